/**
 * The text encoder in few bits: how far its embeddings are from float32's, beside what bfloat16 does, which the
 * reference computes in (guandeh17/Self-Forcing, inference.py:73); what the embedded model's pictures become; what
 * one product takes; and the time and memory of an encoder of UMT5-XXL's width with fewer layers.
 *
 *     deno run -A bench/quantized.bench.ts [layers]
 */

import { loadGraph } from "../engine/load/mod.ts";
import { umt5Encoder } from "../engine/networks/mod.ts";
import { Graph, linear, linearNBits, Scope, writeModel } from "../engine/onnx/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import { fewBitsShapes } from "../engine/weights/mod.ts";
import { decode, diffuse, encodeText, pipe } from "../mod.ts";
import { prepareEncoder, type TextEncoderOptions } from "../plugins/encode_text/text_encoder.ts";
import { fixed, heading, median, table } from "./_bench.ts";
import { roundedToBfloat16 } from "./_rounded.ts";
import { embeddedCase, goldenCase, type TextCase, wideCase } from "./_text_cases.ts";

const THREADS = 2;

/** A product of UMT5-XXL's feed-forward layers. */
const [ROWS, IN, OUT] = [512, 4096, 10240];

/** Ways to keep the weights. */
const FORMS: readonly (readonly [string, TextEncoderOptions])[] = ([8, 4] as const).flatMap((
  bits,
) =>
  [32, 64, 128].map((block) =>
    [`int${bits}, block ${block}`, {
      form: { dtype: "float32", bits },
      block,
      prepack: bits === 4,
    }] as const
  )
);

const PROMPTS = [
  "a red ball bounces on a green floor",
  "a blue square slides to the left on a white background",
  "two yellow stars spin slowly",
  "a purple triangle grows on a black background",
];

if (import.meta.main) {
  const layers = Number(Deno.args[0] ?? 2);
  heading(`The text encoder in few bits, ${THREADS} threads`);
  await using device = await openDevice("cpu", { threads: THREADS });
  await compare(device, await goldenCase());
  await compare(device, await embeddedCase());
  await comparePictures();
  await products(device);
  const folder = await Deno.makeTempDir({ prefix: "sluice-bench-" });
  try {
    await compare(device, await wideCase(folder, layers));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Numbers and how they came. */
interface Measured {
  readonly embeddings: readonly Float32Array[];
  /** Making the weights, loading, encoding one text. */
  readonly seconds: readonly number[];
  /** Bytes of the process that loading and encoding took, and that freeing gave back. */
  readonly bytes: readonly number[];
}

async function measure(
  device: Device,
  { sizes, weights, texts }: TextCase,
  options: TextEncoderOptions,
): Promise<Measured> {
  const marks = [performance.now()];
  await using prepared = await prepareEncoder(sizes, weights, { prepack: false, ...options });
  marks.push(performance.now());
  const before = Deno.memoryUsage().rss;
  const encoder = await prepared.load(device);
  marks.push(performance.now());
  const embeddings: Float32Array[] = [];
  for (const text of texts) embeddings.push(await encoder.encode(text));
  marks.push(performance.now());
  const most = Deno.memoryUsage().rss;
  await encoder[Symbol.asyncDispose]();
  const bytes = [most - before, most - Deno.memoryUsage().rss];
  const [making, loading, encoding] = marks.slice(1).map((mark, i) => (mark - marks[i]!) / 1000);
  return { embeddings, seconds: [making!, loading!, encoding! / texts.length], bytes };
}

/** Prints errors, times and memory of every way to keep the weights. */
async function compare(device: Device, each: TextCase): Promise<void> {
  const exact = await measure(device, each, {});
  const numbers = ({ seconds, bytes }: Measured) => [
    ...seconds.map((seconds) => fixed(seconds)),
    ...bytes.map((bytes) => fixed(bytes / 1e9)),
  ];
  const error = (embeddings: readonly Float32Array[]) => {
    const { relative, cosine } = errorOf(embeddings, exact.embeddings, each);
    return [`${fixed(relative * 100, 3)}%`, fixed(cosine, 6)];
  };
  const rows = [["float32", "", "", ...numbers(exact)]];
  rows.push(["bfloat16 activations", ...error(await inBfloat16(device, each))]);
  for (const [name, options] of FORMS) {
    const measured = await measure(device, each, options);
    rows.push([name, ...error(measured.embeddings), ...numbers(measured)]);
  }
  console.log(`\n${each.title}`);
  const times = ["made, s", "loaded, s", "a text, s", "held, GB", "freed, GB"];
  table(["weights", "error (rms)", "least cosine", ...times], rows);
}

/** Root of the mean square of the difference, of the numbers'; and the least cosine of a token. */
function errorOf(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  { sizes: { dim }, texts }: TextCase,
): { readonly relative: number; readonly cosine: number } {
  let [difference, size, cosine] = [0, 0, 1];
  for (const [text, { length }] of texts.entries()) {
    for (let row = 0; row < length; row++) {
      const [a, b] = [actual, expected].map((all) =>
        all[text]!.subarray(row * dim, (row + 1) * dim)
      ) as [Float32Array, Float32Array];
      const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
      difference += dot(a, a) - 2 * dot(a, b) + dot(b, b);
      size += dot(b, b);
      cosine = Math.min(cosine, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)));
    }
  }
  return { relative: Math.sqrt(Math.max(0, difference) / size), cosine };
}

async function inBfloat16(
  device: Device,
  { sizes, weights, texts }: TextCase,
): Promise<Float32Array[]> {
  const graph = roundedToBfloat16(umt5Encoder(sizes));
  await using session = await loadGraph(device, graph, weights, { prepack: false });
  using binding = session.createBinding();
  const result: Float32Array[] = [];
  for (const { ids, mask } of texts) {
    using idsTensor = device.createTensor("int64", [ids.length]);
    using maskTensor = device.createTensor("int64", [ids.length]);
    await Promise.all([idsTensor.write(ids), maskTensor.write(mask)]);
    binding.input("ids", idsTensor).input("mask", maskTensor).outputOnHost("embeddings");
    await session.run(binding);
    result.push(binding.take("embeddings").data as Float32Array);
  }
  return result;
}

/** Prints how far the embedded model's pictures are from those of a float32 text encoder. */
async function comparePictures(): Promise<void> {
  const film = async (precision: "float32" | "int8" | "int4") => {
    const films = pipe(encodeText({ precision }), diffuse({ latentFrames: 21 }), decode());
    await using open = await films.open({ threads: THREADS });
    const pictures: Uint8Array[][] = [];
    for (const text of PROMPTS) {
      const chunks = await Array.fromAsync(open.run({ text, seed: 1 }));
      pictures.push(chunks.map(({ data }) => data));
    }
    return pictures;
  };
  const exact = await film("float32");
  const rows: string[][] = [];
  for (const precision of ["int8", "int4"] as const) {
    const pictures = await film(precision);
    rows.push([precision, ...pictures.map((chunks, i) => fixed(psnr(chunks, exact[i]!), 1))]);
  }
  console.log("\nThe embedded model's 81 pictures, dB (PSNR) from those of a float32 text encoder");
  table(["weights", ...PROMPTS.map((prompt) => prompt.split(" ").slice(0, 3).join(" "))], rows);
}

function psnr(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): number {
  let [sum, count] = [0, 0];
  for (const [i, chunk] of actual.entries()) {
    chunk.forEach((value, at) => sum += (value - expected[i]![at]!) ** 2);
    count += chunk.length;
  }
  return 10 * Math.log10(255 ** 2 / (sum / count));
}

/** Prints what one product of the feed-forward layers takes, weights widened first or multiplied in 8 bits. */
async function products(device: Device): Promise<void> {
  const rows: string[][] = [];
  for (const bits of [undefined, 8, 4] as const) {
    for (const accuracyLevel of bits ? [0, 4] as const : [0] as const) {
      for (const prepack of [false, true]) {
        const graph = new Graph("product");
        const root = new Scope(graph);
        const x = graph.input("x", "float32", [ROWS, IN]);
        if (bits === undefined) graph.output("y", linear(x, root.parameter("w", [OUT, IN])));
        else {
          const form = { bits, block: 32, accuracyLevel };
          const shapes = fewBitsShapes([OUT, IN], form);
          const w = root.parameter("w", shapes.weight, undefined, "uint8");
          graph.output("y", linearNBits(x, w, root.parameter("scales", shapes.scales), form));
        }
        const milliseconds = await timeOf(device, graph, prepack);
        const name = bits ? `int${bits}, accuracy level ${accuracyLevel}` : "float32";
        rows.push([name, prepack ? "yes" : "no", fixed(milliseconds, 0)]);
      }
    }
  }
  console.log(`\nOne product, ${ROWS} × ${IN} with ${IN} × ${OUT}`);
  table(["weights", "prepacked", "ms"], rows);
}

async function timeOf(device: Device, graph: Graph, prepack: boolean): Promise<number> {
  const model = writeModel(graph, (name) => {
    const { shape, value } = graph.parameters.get(name)!;
    const count = shape.reduce((a, b) => a * b, 1);
    const values = value.dtype === "uint8"
      ? Uint8Array.from({ length: count }, (_, i) => i * 37)
      : new Uint8Array(Float32Array.from({ length: count }, (_, i) => (i % 7 - 3) / 100).buffer);
    return { dtype: value.dtype, data: values };
  });
  await using session = await device.createSession(model, { prepack });
  using binding = session.createBinding();
  using x = device.createTensor("float32", [ROWS, IN]);
  await x.write(Float32Array.from({ length: ROWS * IN }, (_, i) => Math.sin(i)));
  binding.input("x", x).outputOnHost("y");
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    await session.run(binding);
    times.push(performance.now() - began);
  }
  return median(times.slice(1));
}
