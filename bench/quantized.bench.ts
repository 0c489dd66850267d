/**
 * The text encoder in few bits: how far its embeddings are from float32's, beside what bfloat16 does, which the
 * reference computes in (guandeh17/Self-Forcing, inference.py:73); what the embedded model's pictures become; and the
 * time of loading and encoding at UMT5-XXL's width with fewer layers. Random weights as T5 begins with.
 *
 *     deno run -A bench/quantized.bench.ts [layers] [--embedded]
 */

import { prepareEncoder, type TextEncoderOptions } from "../plugins/encode_text/text_encoder.ts";
import { type Umt5Config, umt5Encoder, umt5Xxl } from "../engine/networks/mod.ts";
import { loadGraph } from "../engine/load/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import { float32ToBfloat16, type HostTensor } from "../engine/tensor/mod.ts";
import {
  openSafetensors,
  parameters,
  type WeightFile,
  writeSafetensors,
} from "../engine/weights/mod.ts";
import { textModels } from "../plugins/_models.ts";
import { fixed, heading, table } from "./_bench.ts";
import { roundedToBfloat16 } from "./_rounded.ts";

/** A text in tokens. */
interface Text {
  readonly ids: BigInt64Array;
  readonly mask: BigInt64Array;
  readonly length: number;
}

/** Ways to keep the weights. */
const FORMS: readonly (readonly [string, TextEncoderOptions])[] = [
  ...([8, 4] as const).flatMap((bits) =>
    [32, 64, 128].map((block) =>
      [`int${bits}, block ${block}`, { form: { dtype: "float32", bits }, block }] as const
    )
  ),
  ["float16", { form: { dtype: "float16" } }],
];

if (import.meta.main) {
  const layers = Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 2);
  heading(`The text encoder in few bits, 2 threads`);
  await using device = await openDevice("cpu", { threads: 2 });
  const golden = await openSafetensors(
    pathOf(new URL("../tests/golden/umt5_encoder.safetensors", import.meta.url)),
  );
  const small: Umt5Config = {
    vocab: 200,
    dim: 32,
    dimAttn: 32,
    dimFfn: 64,
    numHeads: 4,
    numLayers: 3,
    numBuckets: 32,
    textLen: 16,
  };
  const [ids, mask] = [await golden.read("in.ids"), await golden.read("in.mask")];
  const text = (data: HostTensor) => (data.data as BigInt64Array).slice(0, 16);
  await errors(
    "tests/golden, 3 layers of 32 channels",
    device,
    small,
    parameters(golden, "weights."),
    [{ ids: text(ids), mask: text(mask), length: Number(text(mask).reduce((a, b) => a + b)) }],
  );
  const { sizes, weights } = textModels.embedded;
  const parity = await openSafetensors(
    pathOf(new URL("../tests/golden/embedded_parity.safetensors", import.meta.url)),
  );
  const both = [await parity.read("in.ids"), await parity.read("in.mask")].map(({ data }) =>
    data as BigInt64Array
  ) as [BigInt64Array, BigInt64Array];
  await errors(
    "embedded, 2 layers of 128 channels",
    device,
    sizes,
    await openSafetensors(pathOf(weights)),
    [0, 1].map((i) => {
      const [ids, mask] = both.map((data) => data.slice(i * 32, i * 32 + 32)) as [
        BigInt64Array,
        BigInt64Array,
      ];
      return { ids, mask, length: Number(mask.reduce((a, b) => a + b)) };
    }),
  );
  const xxl = { ...umt5Xxl, vocab: 1000, numLayers: layers };
  const folder = await Deno.makeTempDir({ prefix: "sluice-bench-" });
  try {
    const file = await randomXxl(`${folder}/t5.safetensors`, xxl);
    const ids = BigInt64Array.from({ length: 512 }, (_, i) => BigInt(i < 120 ? i * 7 % 1000 : 0));
    const mask = BigInt64Array.from({ length: 512 }, (_, i) => i < 120 ? 1n : 0n);
    await errors(`UMT5-XXL, ${layers} of 24 layers`, device, xxl, file, [{
      ids,
      mask,
      length: 120,
    }]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** How far numbers are from others: root of the mean square of the difference, of the others'; and the smallest cosine of a row. */
export function errorOf(
  actual: Float32Array,
  expected: Float32Array,
  rows: number,
  width: number,
): { readonly relative: number; readonly cosine: number } {
  let [difference, size, cosine] = [0, 0, 1];
  for (let row = 0; row < rows; row++) {
    let [dot, a, b] = [0, 0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      difference += (actual[i]! - expected[i]!) ** 2;
      dot += actual[i]! * expected[i]!;
      a += actual[i]! ** 2;
      b += expected[i]! ** 2;
    }
    size += b;
    cosine = Math.min(cosine, dot / Math.sqrt(a * b));
  }
  return { relative: Math.sqrt(difference / size), cosine };
}

/** Prints a table of errors and times. */
async function errors(
  title: string,
  device: Device,
  sizes: Umt5Config,
  weights: WeightFile,
  texts: readonly Text[],
): Promise<void> {
  const run = async (options: TextEncoderOptions) => {
    const began = performance.now();
    await using prepared = await prepareEncoder(sizes, weights, { ...options, prepack: false });
    const made = performance.now();
    await using encoder = await prepared.load(device);
    const loaded = performance.now();
    const embeddings = [];
    for (const text of texts) embeddings.push(await encoder.encode({ ...text, dropped: 0 }));
    const encoded = performance.now();
    return {
      embeddings,
      seconds: [made - began, loaded - made, (encoded - loaded) / texts.length].map((ms) =>
        ms / 1000
      ),
    };
  };
  const exact = await run({});
  const rows: string[][] = [["float32", "", "", ...exact.seconds.map((s) => fixed(s))]];
  const row = (name: string, embeddings: Float32Array[], seconds: number[]) => {
    const each = embeddings.map((data, i) =>
      errorOf(data, exact.embeddings[i]!, texts[i]!.length, sizes.dim)
    );
    const relative = Math.sqrt(
      each.reduce((sum, { relative }) => sum + relative ** 2, 0) / each.length,
    );
    rows.push([
      name,
      `${fixed(relative * 100, 3)}%`,
      fixed(Math.min(...each.map(({ cosine }) => cosine)), 6),
      ...seconds.map((s) => fixed(s)),
    ]);
  };
  row("bfloat16 activations", await inBfloat16(device, sizes, weights, texts), []);
  for (const [name, options] of FORMS) {
    const { embeddings, seconds } = await run(options);
    row(name, embeddings, seconds);
  }
  console.log(`\n${title}`);
  table(["weights", "error (rms)", "least cosine", "made, s", "loaded, s", "a text, s"], rows);
}

async function inBfloat16(
  device: Device,
  sizes: Umt5Config,
  weights: WeightFile,
  texts: readonly Text[],
): Promise<Float32Array[]> {
  await using session = await loadGraph(device, roundedToBfloat16(umt5Encoder(sizes)), weights, {
    prepack: false,
  });
  using binding = session.createBinding();
  const result = [];
  for (const { ids, mask } of texts) {
    using i = device.createTensor("int64", [ids.length]);
    using m = device.createTensor("int64", [ids.length]);
    await i.write(ids);
    await m.write(mask);
    binding.input("ids", i).input("mask", m).outputOnHost("embeddings");
    await session.run(binding);
    result.push(binding.take("embeddings").data as Float32Array);
  }
  return result;
}

/** Normal numbers of T5's initialisation (Wan-Video/Wan2.1, wan/modules/t5.py:27-45), stored in bfloat16. */
async function randomXxl(path: string, sizes: Umt5Config): Promise<WeightFile> {
  const { dim, dimAttn, dimFfn, numBuckets, numHeads } = sizes;
  const deviation = (name: string) =>
    name.includes("token_embedding")
      ? 1
      : name.includes("attn.q")
      ? (dim * dimAttn) ** -0.5
      : name.includes("attn.o")
      ? (numHeads * dimAttn) ** -0.5
      : name.includes("fc2")
      ? dimFfn ** -0.5
      : name.includes("pos_embedding")
      ? (2 * numBuckets * numHeads) ** -0.5
      : dim ** -0.5;
  const tensors = [...umt5Encoder(sizes).parameters.values()].map(({ name, shape }, i) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const data = shape.length === 1
      ? new Float32Array(count).fill(1)
      : normal(count, deviation(name), i + 1);
    return [name, { dtype: "bfloat16", shape, data: float32ToBfloat16(data) }] as const;
  });
  await writeSafetensors(path, tensors);
  return await openSafetensors(path);
}

/** Normal numbers by the sum of four uniform ones per draw of a table of true ones: fast, the same each time. */
function normal(count: number, deviation: number, seed: number): Float32Array {
  let state = seed * 0x9e3779b9 | 0;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(next() || 1e-9));
    const angle = 2 * Math.PI * next();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
