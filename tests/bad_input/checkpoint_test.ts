/** Torch checkpoints and LoRAs from anywhere, given to the program: nothing of them runs, nothing of them is left. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hostTensor } from "../../engine/tensor/mod.ts";
import { writeSafetensors } from "../../engine/weights/mod.ts";
import { dict, pickleOf, tensor, text, torchFile, zipOf } from "../engine/weights/_torch.ts";
import { assertNothingOpen, sluice } from "../_sluice.ts";

const GENERATE = ["generate", "a red ball bounces", "--out", "o.mp4", "--frames", "9"];

function golden(name: string): Promise<Uint8Array> {
  return Deno.readFile(new URL(`../golden/${name}`, import.meta.url));
}

/** What is said of a checkpoint; the program ends with 2, writes nothing and takes no room to speak of. */
async function refusal(bytes: Uint8Array, setting = "diffuse.weights=w.pt"): Promise<string> {
  const name = setting.split("=")[1]!;
  const before = Deno.memoryUsage().rss;
  const { code, out, err, files } = await sluice([...GENERATE, "--set", setting], {
    [name]: bytes,
  });
  const grown = Deno.memoryUsage().rss - before;
  assertEquals([code, out, files], [2, "", []], err);
  assertStringIncludes(err, "error: diffuse: cannot use the weights ");
  assertStringIncludes(err, `/${name}: `);
  assert(grown < 500e6, `${grown} bytes for a file of ${bytes.length}`);
  assertNothingOpen();
  return err;
}

Deno.test("a checkpoint whose pickle wants to call something is refused by that name, and calls nothing", async () => {
  for (
    const [name, wants] of [
      ["checkpoint_malicious.pt", "os.system"],
      ["checkpoint_malicious_stackglobal.pt", "builtins.eval"],
    ] as const
  ) {
    const said = await refusal(await golden(name));
    assertStringIncludes(said, `its data.pkl is refused: it wants ${wants}, and only tensors and`);
    assertStringIncludes(said, "Instead, take the model's .safetensors file, or have PyTorch save");
  }
  // The same hidden where no tensor is: in a value beside the state dict.
  const hidden = pickleOf(dict({
    "head.weight": tensor({ shape: [2, 2], strides: [2, 1] }),
    note: [...new TextEncoder().encode("cposix\nsystem\n"), 0x28, ...text("touch ran"), 0x74, 0x52],
  }));
  const said = await refusal(torchFile(hidden, { "0": new Uint8Array(16) }));
  assertStringIncludes(said, "it wants posix.system");
});

Deno.test("a checkpoint in the format before the zip is refused by name", async () => {
  assertStringIncludes(
    await refusal(await golden("checkpoint_small_legacy.pt")),
    "it is in the legacy format of PyTorch before 1.6",
  );
});

Deno.test("a truncated checkpoint is refused wherever it ends", async () => {
  const whole = await golden("checkpoint_small.pt");
  for (const length of [0, 1, 30, whole.length >> 1, whole.length - 22, whole.length - 1]) {
    const said = await refusal(whole.slice(0, length));
    const expected = length === 0
      ? "the file is empty"
      : length < 4
      ? "it does not begin as a zip file"
      : "it has no zip's table of contents at its end (truncated?)";
    assertStringIncludes(said, expected);
  }
});

Deno.test("a checkpoint that would grow beyond its own length is refused", async () => {
  const pickle = { name: "a/data.pkl", data: pickleOf(dict({})) };
  const data = { name: "a/data/0", data: new Uint8Array(64) };
  const shared: Record<string, number[]> = {
    n0: [...tensor({ shape: [2, 2], strides: [2, 1] }), 0x71, 0],
  };
  // Each container holds the one before it twice: 2^40 tensors in the end.
  for (let i = 0; i < 40; i++) {
    const twice = [...text("a"), 0x68, i, ...text("b"), 0x68, i];
    shared[`n${i + 1}`] = [0x7d, 0x28, ...twice, 0x75, 0x71, i + 1];
  }
  const wide = (shape: number[], strides: number[]) =>
    torchFile(pickleOf(dict({ x: tensor({ shape, strides }) })), { "0": new Uint8Array(16) });
  const cases: [Uint8Array, string][] = [
    [zipOf([pickle, { ...data, method: 8 }]), 'record "a/data/0" is compressed (method 8)'],
    [zipOf([{ ...pickle, method: 8 }, data]), 'record "a/data.pkl" is compressed (method 8)'],
    [zipOf([pickle, { ...data, size: 1 << 30 }]), "has two sizes: 1073741824 bytes, and 64"],
    [zipOf([pickle, data, { ...data, name: "a/data/1", begin: 0 }]), "overlap"],
    [torchFile(pickleOf(dict(shared)), { "0": new Uint8Array(16) }), "more than 200000 values"],
    // Elements that all lie at one place: 2^40 of them out of 16 bytes.
    [
      wide([1 << 20, 1 << 20], [0, 0]),
      "4398046511104 bytes, and only 4 bytes in the file: it repeats them",
    ],
    [wide([1 << 20, 1 << 20], [1 << 20, 1]), 'elements of storage "0", which has 4'],
  ];
  for (const [bytes, message] of cases) assertStringIncludes(await refusal(bytes), message);
});

Deno.test("a LoRA of another model is refused with what the network does not have", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const draw = (...shape: number[]) =>
      hostTensor("float32", shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(0.1));
    const file = async (tensors: [string, ReturnType<typeof draw>][]) => {
      await writeSafetensors(`${folder}/l.safetensors`, new Map(tensors));
      return await Deno.readFile(`${folder}/l.safetensors`);
    };
    const setting = "diffuse.lora=l.safetensors";
    // A LoRA of FLUX, and one of a Wan of other sizes.
    const flux = await file([
      ["double_blocks.0.img_attn.qkv.lora_A.weight", draw(4, 3072)],
      ["double_blocks.0.img_attn.qkv.lora_B.weight", draw(9216, 4)],
    ]);
    const said = await refusal(flux, setting);
    assertStringIncludes(said, "(is it made for another model?)");
    assertStringIncludes(said, "2 that the network does not have: double_blocks.0.img_attn.qkv");
    const larger = await file([
      ["blocks.0.self_attn.q.lora_A.weight", draw(4, 1536)],
      ["blocks.0.self_attn.q.lora_B.weight", draw(1536, 4)],
    ]);
    assertStringIncludes(
      await refusal(larger, setting),
      "1 of another shape: blocks.0.self_attn.q.lora_A.weight (expected [256, 256], got ",
    );
    assertStringIncludes(
      await refusal(larger.slice(0, larger.length - 9), setting),
      "lies beyond the end of the file",
    );
    assertStringIncludes(
      await refusal(await golden("checkpoint_malicious.pt"), "diffuse.lora=l.pt"),
      "it wants os.system",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
