/**
 * How far the float16 graphs are from the reference: every network of the golden files and the embedded model's
 * chain, on a device that rounds every float16 value (`rounding`), against the reference's float32.
 */

import {
  type ChunkPlan,
  flowSchedule,
  planFewSteps,
  rollout,
  type RolloutNoise,
} from "../engine/diffusion/mod.ts";
import {
  causalWanSequence,
  type CausalWanSequenceOptions,
  type Precision,
  rotaryTables,
  type TaehvConfig,
  taehvDecoder,
  taehvEncoder,
  timestepSinusoid,
  type Umt5Config,
  umt5Encoder,
  wan,
  wan2_1_vae,
  wanContext,
  type WanVaeConfig,
  wanVaeDecoder,
  wanVaeEncoder,
} from "../engine/networks/mod.ts";
import type { Graph } from "../engine/onnx/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import type { TensorData } from "../engine/tensor/mod.ts";
import { openSafetensors } from "../engine/weights/mod.ts";
import { decoderModels, diffusionModels, textModels } from "../plugins/_models.ts";
import { Decoder } from "../plugins/decode/decoder.ts";
import { taehvNetwork } from "../plugins/decode/networks.ts";
import { CausalWanModel } from "../plugins/diffuse/model.ts";
import { Golden } from "./_golden.ts";
import { FRAME, goldenPasses, goldenSizes } from "./plugins/_causal_wan.ts";
import { rounding } from "./_rounding.ts";
import { runGraph, type RunGraphOptions } from "./_run_graph.ts";

/** What a network gave and what it should have given. */
export interface Compared {
  readonly actual: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
}

/** One line of the table. */
export interface Float16Case {
  readonly name: string;
  /** Largest error that is allowed, as a share of the largest magnitude that is expected. */
  readonly bound: number;
  /** Of values that are pictures: black and white, and the least peak signal to noise in dB. */
  readonly range?: readonly [black: number, white: number];
  readonly psnr?: number;
  run(dtype: Precision): Promise<Compared>;
}

/** How far two tensors are apart. */
export interface Float16Error {
  /** Largest magnitude that is expected. */
  readonly magnitude: number;
  readonly largest: number;
  readonly mean: number;
  /** Of pictures: peak signal to noise, in dB. */
  readonly psnr?: number;
}

/** Measures a case. Values that are not finite make the largest error infinite. */
export function errorOf(
  { actual, expected }: Compared,
  range?: Float16Case["range"],
): Float16Error {
  if (actual.length !== expected.length || actual.length === 0) {
    throw new RangeError(`expected ${expected.length} values, got ${actual.length}`);
  }
  let [magnitude, largest, sum, squares] = [0, 0, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
    largest = Number.isNaN(apart) ? Infinity : Math.max(largest, apart);
    sum += apart;
    squares += apart ** 2;
  }
  const { length } = actual;
  const psnr = range && 10 * Math.log10((range[1] - range[0]) ** 2 / (squares / length));
  return { magnitude, largest, mean: sum / length, ...(psnr !== undefined && { psnr }) };
}

const float32 = (data: TensorData) => Float32Array.from(data as Float32Array);

/** Runs a graph on a device that rounds; memories that are not given are zeros. */
async function run(
  graph: Graph,
  inputs: Readonly<Record<string, TensorData>>,
  options: RunGraphOptions,
): Promise<Record<string, TensorData>> {
  return await runGraph(graph, inputs, { ...options, wrap: rounding });
}

/** Zeros, in the type that the graph wants them in. */
function zerosOf(graph: Graph, memories: readonly { name: string; shape: readonly number[] }[]) {
  return Object.fromEntries(memories.map(({ name, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const zeros = graph.dtype === "float16" ? new Float16Array(count) : new Float32Array(count);
    return [name, zeros];
  }));
}

const sinusoids = (timesteps: Iterable<number>) =>
  Float32Array.from([...timesteps].flatMap((t) => [...timestepSinusoid(t, goldenSizes.freqDim)]));

async function context(golden: Golden, name: string, dtype: Precision) {
  const embeddings = await golden.floats(name);
  return await run(wanContext(goldenSizes, { dtype }), { embeddings }, { weights: golden.weights });
}

const clip = (frames: number) => ({ frames, height: 8, width: 12 });
const places = (frames: number) => rotaryTables({ firstFrame: 0, frames, rows: 4, columns: 6 }, 16);

async function bidirectional(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("bidirectional_wan");
  const [timestep] = await golden.floats("in.timestep");
  const inputs = {
    latents: await golden.floats("in.x"),
    time: sinusoids([timestep!]),
    ...places(6),
    ...await context(golden, "in.cond", dtype),
  };
  const graph = wan(goldenSizes, clip(6), { dtype });
  const { flow } = await run(graph, inputs, { weights: golden.weights });
  return {
    actual: flow as Float32Array,
    expected: await golden.floats("out.bidirectional.cond_flow"),
  };
}

async function sequence(
  name: string,
  options: CausalWanSequenceOptions,
  dtype: Precision,
): Promise<Compared> {
  const golden = await Golden.open("bidirectional_wan");
  const own = (part: string) => `in.${name}.${part}`;
  const timesteps = await golden.floats(own("timestep"));
  const frames = timesteps.length;
  const { tensors } = golden.file;
  const graph = causalWanSequence(goldenSizes, clip(frames), { ...options, dtype });
  const { flow } = await run(graph, {
    latents: await golden.floats(tensors.has(own("x")) ? own("x") : "in.x"),
    time: sinusoids(timesteps),
    ...places(frames),
    ...await context(golden, "in.cond", dtype),
    ...(options.teacherForcing && {
      clean: await golden.floats(own("clean_x")),
      "clean-time": sinusoids(new Float32Array(frames)),
    }),
  }, { weights: golden.weights });
  return { actual: flow as Float32Array, expected: await golden.floats(`out.${name}.flow`) };
}

/** Keys and values of the text. The golden files do not hold them: the float32 graph gives what is expected. */
async function texts(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("bidirectional_wan");
  const all = async (dtype: Precision) =>
    Object.values(await context(golden, "in.cond", dtype)).flatMap((data) => [...float32(data)]);
  return { actual: await all(dtype), expected: await all("float32") };
}

const umt5Sizes: Umt5Config = {
  vocab: 200,
  dim: 32,
  dimAttn: 32,
  dimFfn: 64,
  numHeads: 4,
  numLayers: 3,
  numBuckets: 32,
  textLen: 16,
};

async function longText(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("umt5_encoder");
  const graph = umt5Encoder(umt5Sizes, { length: 160, padding: "keep", dtype });
  const { embeddings } = await run(graph, {
    ids: await golden.integers("in.long.ids"),
    mask: await golden.integers("in.long.mask"),
  }, { weights: golden.weights });
  return {
    actual: embeddings as Float32Array,
    expected: await golden.floats("out.long.encoder"),
  };
}

const vaeSizes: WanVaeConfig = { ...wan2_1_vae, dim: 6 };

/** A clip decoded a latent frame at a time, memories carried along. */
async function vaeDecoding(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats("in.latents");
  const size = 16 * 8 * 12;
  const pictures: number[] = [];
  let memory: Record<string, TensorData> = {};
  for (let frame = 0; frame < latents.length / size; frame++) {
    const part = frame === 0 ? "first" : "next";
    const { graph, memories } = wanVaeDecoder(vaeSizes, clip(1), { part, output: "frames", dtype });
    const given = { latents: latents.slice(frame * size, (frame + 1) * size), ...memory };
    const out = await run(graph, given, { weights: golden.weights });
    pictures.push(...out.frames as Float32Array);
    memory = Object.fromEntries(memories.map(({ name }) => [name, out[`${name}.next`]!]));
  }
  return { actual: pictures, expected: await golden.floats("out.decode_raw") };
}

async function vaeEncoding(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("wan_vae");
  const planes = await golden.floats("in.video"); // [3, 13, 16, 24]
  const area = 16 * 24;
  const frames = Float32Array.from(planes, (_, i) => {
    const [frame, channel] = [Math.floor(i / (3 * area)), Math.floor(i / area) % 3];
    return planes[(channel * 13 + frame) * area + i % area]!;
  });
  const shape = { frames: 13, height: 16, width: 24 };
  const { graph } = wanVaeEncoder(vaeSizes, shape, { dtype });
  const { latents } = await run(graph, { frames }, { weights: golden.weights });
  return { actual: latents as Float32Array, expected: await golden.floats("out.encode") };
}

const taehvSizes: TaehvConfig = {
  latentChannels: 16,
  patchSize: 1,
  encoderWidth: 8,
  decoderWidths: [32, 16, 8, 8],
  encoderTimeDownscale: [true, true, false],
  decoderTimeUpscale: [false, true, true],
};

async function taehvDecoding(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("taehv");
  const latents = await golden.floats("in.latents");
  const shape = { frames: 1, height: 4, width: 6 };
  const { graph, memories } = taehvDecoder(taehvSizes, shape, "frames", { dtype });
  let memory: Record<string, TensorData> = zerosOf(graph, memories);
  const size = 16 * 4 * 6;
  const pictures: number[] = [];
  for (let at = 0; at < latents.length; at += size) {
    const given = { latents: latents.slice(at, at + size), ...memory };
    const out = await run(graph, given, { weights: golden.weights });
    pictures.push(...out.frames as Float32Array);
    memory = Object.fromEntries(memories.map(({ name }) => [name, out[`${name}.next`]!]));
  }
  return { actual: pictures, expected: await golden.floats("out.decode_raw") };
}

async function taehvEncoding(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("taehv");
  const video = await golden.floats("in.video");
  const picture = 3 * 16 * 24;
  const frames = new Float32Array(16 * picture);
  // The reference fills a clip up with its last picture.
  for (let i = 0; i < 16; i++) {
    const from = Math.min(i, 12) * picture;
    frames.set(video.subarray(from, from + picture), i * picture);
  }
  const shape = { frames: 16, height: 16, width: 24 };
  const { graph, memories } = taehvEncoder(taehvSizes, shape, { dtype });
  const given = { frames, ...zerosOf(graph, memories) };
  const { latents } = await run(graph, given, { weights: golden.weights });
  return { actual: latents as Float32Array, expected: await golden.floats("out.encode") };
}

async function rolledOut(
  golden: Golden,
  device: Device,
  dtype: Precision,
  run: {
    readonly latentFrames: number;
    readonly window: number;
    readonly sink: number;
    readonly noise: RolloutNoise;
  },
): Promise<Float32Array> {
  await using model = await CausalWanModel.load(device, golden.weights, {
    sizes: goldenSizes,
    chunk: clip(3),
    window: run.window,
    attention: "fused",
    precision: dtype,
  });
  await model.condition(await golden.floats("in.prompt_embeds"));
  const latents: number[] = [];
  for await (const chunk of rollout(model.during(), { ...run, chunk: 3, passes: goldenPasses })) {
    latents.push(...chunk.latents);
  }
  return new Float32Array(latents);
}

async function wholeRun(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("causal_wan");
  const initial = await golden.floats("in.noise");
  const further = await Promise.all(
    [0, 1, 2, 3].map((chunk) =>
      Promise.all([0, 1, 2].map((step) => golden.floats(`in.renoise.${chunk}.${step}`)))
    ),
  );
  await using device = rounding(await openDevice("cpu", { threads: 1 }));
  const actual = await rolledOut(golden, device, dtype, {
    latentFrames: 12,
    window: 21,
    sink: 0,
    noise: {
      initial: ({ frame, frames }) => initial.slice(frame * FRAME, (frame + frames) * FRAME),
      renoise: ({ index }, { renoise }) => further[index]![renoise!]!,
    },
  });
  return { actual, expected: await golden.floats("out.latents") };
}

async function localRun(window: number, sink: number, dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("causal_wan_local");
  const initial = await golden.floats("in.noise");
  const further = await golden.floats("in.renoise");
  await using device = rounding(await openDevice("cpu", { threads: 1 }));
  const actual = await rolledOut(golden, device, dtype, {
    latentFrames: 15,
    window,
    sink,
    noise: {
      initial: ({ frame, frames }: ChunkPlan) =>
        initial.slice(frame * FRAME, (frame + frames) * FRAME),
      renoise: ({ index }, { renoise }) => {
        const at = (index * 3 + renoise!) * 3 * FRAME;
        return further.slice(at, at + 3 * FRAME);
      },
    },
  });
  return { actual, expected: await golden.floats(`out.local${window}_sink${sink}.latents`) };
}

const embedded = diffusionModels.embedded;
const cells = {
  height: embedded.height / embedded.spatialFactor,
  width: embedded.width / embedded.spatialFactor,
};

const weightsOf = (url: URL) => openSafetensors(decodeURIComponent(url.pathname));

async function embeddedText(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("embedded_parity");
  const { sizes } = textModels.embedded;
  const { embeddings } = await run(umt5Encoder(sizes, { dtype }), {
    ids: (await golden.integers("in.ids")).slice(0, 32),
    mask: (await golden.integers("in.mask")).slice(0, 32),
  }, { weights: await weightsOf(textModels.embedded.weights) });
  return {
    actual: embeddings as Float32Array,
    expected: await golden.part("out.prompt_embeds", 0, 2),
  };
}

/** Seven chunks of the embedded model from the reference's embeddings. */
async function embeddedLatents(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("embedded_parity");
  const { sizes, chunk, window, sink, shift, steps, warpSteps } = embedded;
  await using device = rounding(await openDevice("cpu", { threads: 2 }));
  await using model = await CausalWanModel.load(device, await weightsOf(embedded.weights), {
    sizes,
    chunk: { frames: chunk, ...cells },
    window,
    attention: "fused",
    precision: dtype,
  });
  await model.condition(await golden.part("out.prompt_embeds", 0, 2));
  const size = 16 * cells.height * cells.width;
  const passes = planFewSteps(flowSchedule({ shift }), steps, warpSteps);
  const initial = await golden.part("in.noise", 0, 2);
  const renoise = await golden.floats("in.renoise");
  const latents: number[] = [];
  const chunks = rollout(model.during(), {
    latentFrames: 7 * chunk,
    chunk,
    window,
    sink,
    passes,
    noise: {
      initial: ({ frame, frames }) => initial.slice(frame * size, (frame + frames) * size),
      renoise: ({ index }, pass) => {
        const at = (index * (passes.length - 1) + pass.renoise!) * 2 * chunk * size;
        return renoise.slice(at, at + chunk * size);
      },
    },
  });
  for await (const { latents: given } of chunks) latents.push(...given);
  return { actual: latents, expected: await golden.part("out.latents", 0, 2) };
}

/** The reference's latents decoded; bytes against the float32 graph's. */
async function embeddedPictures(dtype: Precision): Promise<Compared> {
  const golden = await Golden.open("embedded_parity");
  const latents = await golden.part("out.latents", 0, 2);
  return {
    actual: await decoded(latents, dtype),
    expected: await decoded(latents, "float32"),
  };
}

async function decoded(latents: Float32Array, dtype: Precision): Promise<Uint8Array> {
  const { chunk } = embedded;
  await using device = rounding(await openDevice("cpu", { threads: 2 }));
  const network = taehvNetwork(decoderModels.embedded.sizes, dtype);
  await using decoder = new Decoder(
    device,
    network,
    await weightsOf(decoderModels.embedded.weights),
  );
  await decoder.restart();
  const size = 16 * cells.height * cells.width * chunk;
  const parts: BlobPart[] = [];
  for (let at = 0; at < latents.length; at += size) {
    const piece = latents.slice(at, at + size);
    parts.push((await decoder.decode(piece, { frames: chunk, ...cells })).data);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** From noise to pictures in float16, against the same in float32. */
async function embeddedChain(dtype: Precision): Promise<Compared> {
  const { actual, expected } = await embeddedLatents(dtype);
  return {
    actual: await decoded(Float32Array.from(actual), dtype),
    expected: await decoded(Float32Array.from(expected), "float32"),
  };
}

const bytes = [0, 255] as const;

/** Every line of the table. Bounds are about twice what was measured. */
export const float16Cases: readonly Float16Case[] = [
  { name: "causal Wan, 4 chunks of 4 steps", bound: 0.001, run: wholeRun },
  ...([[6, 0], [6, 1], [6, 3], [9, 3]] as const).map(([window, sink]) => ({
    name: `causal Wan, window ${window}, sink ${sink}, 5 chunks`,
    bound: 0.001,
    run: (dtype: Precision) => localRun(window, sink, dtype),
  })),
  { name: "bidirectional Wan, flow", bound: 0.0015, run: bidirectional },
  ...([
    ["block-causal Wan, flow", "train", { chunk: 3 }],
    ["block-causal Wan, window 4, flow", "train_local4", { chunk: 3, window: 4 }],
    ["block-causal Wan, teacher forcing, flow", "teacher_forcing", {
      chunk: 3,
      teacherForcing: true,
    }],
  ] as const).map(([name, key, options]) => ({
    name,
    bound: 0.0015,
    run: (dtype: Precision) => sequence(key, options, dtype),
  })),
  { name: "Wan, the text's keys and values", bound: 0.002, run: texts },
  { name: "UMT5, 160 tokens", bound: 0.003, run: longText },
  { name: "Wan VAE, decoded", bound: 0.012, range: [-1, 1], psnr: 65, run: vaeDecoding },
  { name: "Wan VAE, encoded", bound: 0.004, run: vaeEncoding },
  { name: "TAEHV, decoded", bound: 0.008, range: [0, 1], psnr: 60, run: taehvDecoding },
  { name: "TAEHV, encoded", bound: 0.004, run: taehvEncoding },
  { name: "embedded model, embeddings", bound: 0.001, run: embeddedText },
  { name: "embedded model, latents of 7 chunks", bound: 0.04, run: embeddedLatents },
  {
    name: "embedded model, 81 pictures of given latents",
    bound: 0.012,
    range: bytes,
    psnr: 57,
    run: embeddedPictures,
  },
  {
    name: "embedded model, noise to 81 pictures",
    bound: 0.25,
    range: bytes,
    psnr: 50,
    run: embeddedChain,
  },
];
