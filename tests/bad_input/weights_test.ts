import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertNothingOpen, sluice } from "../_sluice.ts";

const GENERATE = ["generate", "a red ball bounces", "--out", "o.mp4", "--frames", "9"];

const good = await Deno.readFile(
  new URL("../../assets/embedded/transformer.safetensors", import.meta.url),
);

interface Entry {
  shape: number[];
  data_offsets: [number, number];
}

/** A good file's header, and where the tensors' bytes begin. */
function headerOf(bytes: Uint8Array): { begin: number; entries: Record<string, Entry> } {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  return { begin: 8 + length, entries: JSON.parse(text) };
}

/** What is said of a file of weights that cannot be used. */
async function refusal(
  bytes: Uint8Array | undefined,
  name = "w.safetensors",
  setting = `diffuse.weights=${name}`,
): Promise<string> {
  const { code, out, err, files } = await sluice(
    [...GENERATE, "--set", setting],
    bytes === undefined ? {} : { [name]: bytes },
  );
  assertEquals([code, out, files], [2, "", []], err);
  assertStringIncludes(err, "error: diffuse: ");
  assertNothingOpen();
  return err;
}

Deno.test("a file of weights that is missing, or a folder, is refused by its path", async () => {
  const missing = await refusal(undefined);
  assertStringIncludes(missing, "There is no file ");
  assertStringIncludes(missing, "w.safetensors, which diffuse.weights names.");
  assertStringIncludes(await refusal(undefined, "."), "which diffuse.weights names, is no file.");
  assertStringIncludes(
    await refusal(undefined, "", "diffuse.network=wan2.1-1.3b"),
    'The network "wan2.1-1.3b" has no file of its own here for diffuse.weights: name the one you',
  );
});

Deno.test("a truncated file of weights is refused with the tensor's name", async () => {
  const said = await refusal(good.slice(0, good.length - 10));
  assertStringIncludes(said, "lies beyond the end of the file: it needs ");
  assertStringIncludes(said, "w.safetensors: tensor ");
  assertStringIncludes(said, "(truncated download?)");
  assertStringIncludes(await refusal(new Uint8Array()), "w.safetensors: the file is empty");
  assertStringIncludes(await refusal(good.slice(0, 100)), "but the file holds only 92 after its");
});

Deno.test("a header that claims more than the file holds is refused", async () => {
  // The low byte of the last is that of a pickle, which it is not.
  for (const claim of [BigInt(good.length), 1n << 40n, 50_000_000n]) {
    const bytes = good.slice();
    new DataView(bytes.buffer).setBigUint64(0, claim, true);
    assertStringIncludes(await refusal(bytes), `w.safetensors: its header claims ${claim} bytes`);
  }
});

Deno.test("a weight that is NaN is refused with its place", async () => {
  const bytes = good.slice();
  const { begin, entries } = headerOf(bytes);
  const [from] = entries["blocks.1.ffn.0.weight"]!.data_offsets;
  const columns = entries["blocks.1.ffn.0.weight"]!.shape[1]!;
  new DataView(bytes.buffer).setUint16(begin + from + 2 * (3 * columns + 5), 0x7e00, true);
  assertStringIncludes(
    await refusal(bytes),
    '1 of its tensors hold values that are not finite: "blocks.1.ffn.0.weight" at [3, 5] is NaN',
  );
});

Deno.test("weights of another shape are refused with both shapes", async () => {
  assertStringIncludes(
    await refusal(good, "w.safetensors", "diffuse.sizes={ffn-dim: 128}"),
    "blocks.0.ffn.0.weight (expected [128, 256], got [1024, 256])",
  );
  const { entries } = headerOf(good);
  const swapped = JSON.stringify(entries).replace(
    `"shape":[${entries["blocks.0.ffn.0.weight"]!.shape}]`,
    '"shape":[256,1024]',
  );
  assertStringIncludes(
    await refusal(withHeader(good, swapped)),
    "blocks.0.ffn.0.weight (expected [1024, 256], got [256, 1024])",
  );
});

Deno.test("weights of another network are refused with what is missing and what is too much", async () => {
  const other = await Deno.readFile(
    new URL("../../assets/embedded/taehv.safetensors", import.meta.url),
  );
  const said = await refusal(other);
  assertStringIncludes(said, "they do not fit the network's ");
  assertStringIncludes(said, "177 missing: time_embedding.0.weight (nearest in the file: ");
  assertStringIncludes(said, "128 that the network does not know: decoder.1.bias, ");
});

Deno.test("what is called a torch checkpoint and is none is refused by name", async () => {
  const text = new TextEncoder().encode("weights, honestly");
  assertStringIncludes(await refusal(text, "w.pt"), "w.pt: it does not begin as a zip file");
  const zip = new Uint8Array(64);
  zip.set([0x50, 0x4b, 3, 4]);
  assertStringIncludes(await refusal(zip, "w.pth"), "w.pth: it has no zip's table of contents");
  assertStringIncludes(
    await refusal(text, "w.gguf"),
    "w.gguf: it begins neither as a safetensors file nor as a torch checkpoint",
  );
});

Deno.test("a tokenizer that is none is refused by its path", async () => {
  for (const content of ["{}", "no JSON"]) {
    const { code, err, files } = await sluice(
      [...GENERATE, "--set", "encode-text.tokenizer=t.json"],
      { "t.json": content },
    );
    assertEquals([code, files], [2, []]);
    assertStringIncludes(err, "error: encode-text: cannot use the tokenizer ");
    assertNothingOpen();
  }
});

/** The same tensors' bytes behind another header. */
function withHeader(bytes: Uint8Array, header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const tensors = bytes.subarray(headerOf(bytes).begin);
  const changed = new Uint8Array(8 + text.length + tensors.length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(text.length), true);
  changed.set(text, 8);
  changed.set(tensors, 8 + text.length);
  return changed;
}
