import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { HostTensor } from "../../engine/tensor/mod.ts";
import { bytesOf, hostTensor } from "../../engine/tensor/mod.ts";
import { openSafetensors, writeSafetensors } from "../../engine/weights/mod.ts";
import type { Conditioning } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import { openWeights } from "../../plugins/_files.ts";
import { diffusionModels } from "../../plugins/_models.ts";
import { diffuseOptions, lorasOf } from "../../plugins/diffuse/options.ts";
import { DiffuseStage } from "../../plugins/diffuse/stage.ts";
import { temporaryFolder } from "../engine/weights/_files.ts";
import { dict, pickleOf, tensor, torchFile } from "../engine/weights/_torch.ts";

const golden = decodeURIComponent(new URL("../golden", import.meta.url).pathname);

const request = (path: string, directory = golden) => ({
  option: "diffuse.weights",
  path,
  builtIn: undefined,
  network: "wan2.1-1.3b",
  directory,
});

Deno.test("openWeights() opens torch checkpoints with their keys, from the config's folder", async () => {
  const file = await openWeights(request("checkpoint_small.pt#generator_ema"));
  assertEquals(file.path, `${golden}/checkpoint_small.pt`);
  assert(file.tensors.has("blocks.0.self_attn.q.weight"));
  const same = await openWeights(request(`${golden}/checkpoint_small.pt#generator`));
  assertEquals([...same.tensors.keys()], [...file.tensors.keys()]);
});

Deno.test("openWeights() tells the user what is wrong with a file", async () => {
  for (
    const [path, message] of [
      [
        "checkpoint_small.pt#generator_em",
        "there is nothing under #generator_em: expected #generator, #",
      ],
      ["checkpoint_small.pt", "it holds several sets of weights: choose one"],
      ["checkpoint_malicious.pt", "it wants os.system"],
      ["checkpoint_small_legacy.pt", "the legacy format of PyTorch before 1.6"],
      [
        "missing.pt#ema",
        `There is no file ${golden}/missing.pt, which diffuse.weights names. Relative paths start from ${golden}.`,
      ],
    ] as const
  ) {
    await assertRejects(() => openWeights(request(path)), UserError, message);
  }
});

Deno.test("diffuse takes LoRAs as a file or as a list", () => {
  const of = (lora: unknown) => lorasOf(diffuseOptions.parse({ lora }));
  assertEquals(of(undefined), []);
  assertEquals(of("a.safetensors"), [{ path: "a.safetensors", scale: 1 }]);
  assertEquals(of(["a", { path: "b" }, { path: "c", scale: -0.5 }]), [
    { path: "a", scale: 1 },
    { path: "b", scale: 1 },
    { path: "c", scale: -0.5 },
  ]);
  for (const lora of [{ path: "a" }, [""], [{ path: "a", scale: 11 }], [{ scale: 1 }]]) {
    assertEquals(diffuseOptions.safeParse({ lora }).success, false);
  }
});

/** One chunk of latents of the embedded network. */
async function latents(directory: string, options: Record<string, unknown>) {
  const { textLen, textDim } = diffusionModels.embedded.sizes;
  const conditioning: Conditioning = {
    prompt: { text: "a red ball", seed: 1 },
    tokens: textLen,
    channels: textDim,
    embeddings: Float32Array.from({ length: textLen * textDim }, (_, i) => Math.sin(i)),
    mask: new Uint8Array(textLen).fill(1),
  } as unknown as Conditioning;
  const { signal } = new AbortController();
  const context = { device: "cpu", threads: 2, directory, signal };
  await using stage = await DiffuseStage.create(
    diffuseOptions.parse({ latentFrames: diffusionModels.embedded.chunk, ...options }),
    context as never,
  );
  const run = { signal, stop: signal, whenRunning: () => Promise.resolve(), report: () => {} };
  const input = async function* () {
    yield await Promise.resolve(conditioning);
  };
  for await (const { data } of stage.process(input(), run as never)) return data;
  throw new Error("no chunk came");
}

const storageNames = { float16: "HalfStorage", float32: "FloatStorage" } as const;

Deno.test("diffuse gives the same latents from a torch checkpoint, and others with a LoRA", async () => {
  using folder = temporaryFolder();
  const { path } = folder;
  const weights = await openSafetensors(
    decodeURIComponent(diffusionModels.embedded.weights.pathname),
  );
  const tensors: [string, HostTensor][] = [];
  for (const name of weights.tensors.keys()) tensors.push([name, await weights.read(name)]);
  const items = tensors.map(([name, { dtype, shape, data }], key) => [
    `model._fsdp_wrapped_module.${name}`,
    tensor({
      key: `${key}`,
      type: storageNames[dtype as keyof typeof storageNames],
      count: data.length,
      shape,
      strides: shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1)),
    }),
  ]);
  const state = dict(Object.fromEntries(items));
  await Deno.writeFile(
    `${path}/dmd.pt`,
    torchFile(
      pickleOf(dict({ generator: [0x7d], generator_ema: state })),
      Object.fromEntries(tensors.map(([, value], key) => [`${key}`, bytesOf(value)])),
    ),
  );
  const [rows, columns] = weights.tensors.get("blocks.0.ffn.0.weight")!.shape as [number, number];
  const ramp = (...shape: [number, number]) =>
    hostTensor(
      "float32",
      shape,
      Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.cos(i)),
    );
  await writeSafetensors(`${path}/style.safetensors`, [
    ["diffusion_model.blocks.0.ffn.0.lora_A.weight", ramp(2, columns)],
    ["diffusion_model.blocks.0.ffn.0.lora_B.weight", ramp(rows, 2)],
  ]);
  const plain = await latents(path, {});
  assertEquals(await latents(path, { weights: "dmd.pt#generator_ema" }), plain);
  const lora = (scale: number) => ({ lora: [{ path: "style.safetensors", scale }] });
  assertEquals(await latents(path, lora(0)), plain);
  const styled = await latents(path, lora(1));
  assertNotEquals(styled, plain);
  assertEquals(await latents(path, { weights: "dmd.pt", ...lora(1) }), styled);
  await writeSafetensors(`${path}/other.safetensors`, [
    ["transformer.double_blocks.0.proj.lora_A.weight", ramp(2, 8)],
  ]);
  await assertRejects(
    () => latents(path, { lora: "other.safetensors" }),
    UserError,
    "as a LoRA they do not fit the network",
  );
});
