/**
 * TAEHV, the tiny autoencoder for video, streaming: a piece of a clip at a time, with what its memory blocks
 * have seen last carried from piece to piece. T frames, C channels, h × w cells; time lies in the batch axis.
 *
 * Source: madebyollin/taehv@1f14a568f24bf8811e0a0ac601613e04fc1581e8, taehv.py. Parameters are named as its
 * checkpoints name them.
 *
 * In a float16 graph all of it computes in 16 bits but the last step, from numbers to bytes.
 */

import {
  add,
  cast,
  clip,
  concat,
  conv,
  Graph,
  mul,
  relu,
  reshape,
  round,
  Scope,
  slice,
  tanh,
  transpose,
  upsampleNearest,
  type Value,
} from "../onnx/mod.ts";
import { inFloat32, inGraphType, type Precision } from "./_islands.ts";

/** Sizes of a TAEHV. */
export interface TaehvConfig {
  /** Channels of the latents. */
  readonly latentChannels: number;
  /** Pixels that one cell of the widest layer covers, both ways: 1, or 2 with a pixel shuffle around the network. */
  readonly patchSize: 1 | 2;
  /** Channels of every stage of the encoder. */
  readonly encoderWidth: number;
  /** Channels of the decoder's stages, from the latents' resolution to the pictures'. */
  readonly decoderWidths: readonly [number, number, number, number];
  /** Which of the encoder's halvings of the picture halve time too. */
  readonly encoderTimeDownscale: readonly [boolean, boolean, boolean];
  /** Which of the decoder's doublings of the picture double time too. */
  readonly decoderTimeUpscale: readonly [boolean, boolean, boolean];
}

/** A piece of a clip: latent frames and cells when decoding, pictures and pixels when encoding. */
export interface ClipShape {
  /** Along time, from 1. */
  readonly frames: number;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** How the graphs are built. */
export interface TaehvOptions {
  /** Element type of the convolutions and of the memories. Default: float32. */
  readonly dtype?: Precision;
}

/** A network, and the memories it carries from piece to piece: inputs `memory.<block>`, outputs `memory.<block>.next`. */
export interface TaehvGraph {
  /** To be loaded. */
  readonly graph: Graph;
  /** What is carried: zeros before a clip's first piece. */
  readonly memories: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Pictures that the first latent frames of a clip give too many, to be dropped from its first piece. */
export function framesToTrim(config: TaehvConfig): number {
  return temporalFactor(config.decoderTimeUpscale) - 1;
}

/** Pictures of one latent frame. */
export function temporalFactor(scaled: readonly boolean[]): number {
  return 2 ** scaled.filter(Boolean).length;
}

/** Pixels of one latent cell, both ways. */
export function spatialFactor(config: TaehvConfig): number {
  return 8 * config.patchSize;
}

/**
 * Latents to pictures.
 *
 * Inputs: `latents` [T, C, h, w]; `memory.<block>` [1, …] in the option's type, zeros at a clip's beginning. Outputs: `rgb` uint8
 * [4T, H, W, 3], or `frames` [4T, 3, H, W], not limited to 0 … 1; `memory.<block>.next`. Of a clip's first
 * piece the first `framesToTrim` pictures belong to no time and are to be dropped.
 */
export function taehvDecoder(
  config: TaehvConfig,
  shape: ClipShape,
  output: "rgb" | "frames" = "rgb",
  options: TaehvOptions = {},
): TaehvGraph {
  const { latentChannels, patchSize, decoderWidths, decoderTimeUpscale } = config;
  const graph = new Graph("taehv_decoder", options.dtype ?? "float32");
  const root = new Scope(graph).at("decoder");
  const memories = new Memories(graph);
  const latents = graph.input("latents", "float32", [
    shape.frames,
    latentChannels,
    shape.height,
    shape.width,
  ]);

  let x = mul(tanh(mul(inGraphType(latents), 1 / 3)), 3);
  x = relu(conv3(root.at(1), x, decoderWidths[0]));
  for (let level = 0; level < 3; level++) {
    const at = 3 + 6 * level; // three memory blocks, an enlargement, a growth in time, a convolution
    for (let i = at; i < at + 3; i++) x = memBlock(root.at(i), x, memories.of(`${i}`, x));
    x = upsampleNearest(grow(root.at(at + 4), x, decoderTimeUpscale[level]! ? 2 : 1), 2);
    x = conv3(root.at(at + 5), x, decoderWidths[level + 1]!, { bias: false });
  }
  x = inFloat32(conv3(root.at(22), relu(x), 3 * patchSize ** 2));
  if (output === "frames") graph.output("frames", shuffle(x, patchSize, "planes"));
  else {
    const bytes = cast(round(mul(clip(x, 0, 1), 255)), "uint8");
    graph.output("rgb", shuffle(bytes, patchSize, "pixels"));
  }
  return { graph, memories: memories.list };
}

/**
 * Pictures to latents.
 *
 * Inputs: `frames` [4T, 3, H, W] in 0 … 1; `memory.<block>`, zeros at a clip's beginning. Outputs:
 * `latents` [T, C, h, w]; `memory.<block>.next`.
 */
export function taehvEncoder(
  config: TaehvConfig,
  shape: ClipShape,
  options: TaehvOptions = {},
): TaehvGraph {
  const { latentChannels, patchSize, encoderWidth, encoderTimeDownscale } = config;
  const factor = temporalFactor(encoderTimeDownscale);
  const cell = spatialFactor(config);
  if (shape.frames % factor || shape.height % cell || shape.width % cell) {
    throw new RangeError(
      `cannot encode ${shape.frames} pictures of ${shape.height} × ${shape.width}: expected a multiple of ${factor} pictures and of ${cell} pixels both ways`,
    );
  }
  const graph = new Graph("taehv_encoder", options.dtype ?? "float32");
  const root = new Scope(graph).at("encoder");
  const memories = new Memories(graph);
  const frames = graph.input("frames", "float32", [shape.frames, 3, shape.height, shape.width]);

  let x = relu(conv3(root.at(0), unshuffle(inGraphType(frames), patchSize), encoderWidth));
  for (let level = 0; level < 3; level++) {
    const at = 2 + 5 * level; // a pooling in time, a halving convolution, three memory blocks
    x = pool(root.at(at), x, encoderTimeDownscale[level]! ? 2 : 1);
    x = conv3(root.at(at + 1), x, encoderWidth, { bias: false, stride: 2 });
    for (let i = at + 2; i < at + 5; i++) x = memBlock(root.at(i), x, memories.of(`${i}`, x));
  }
  graph.output("latents", inFloat32(conv3(root.at(17), x, latentChannels)));
  return { graph, memories: memories.list };
}

/** Declares what each memory block carries: its last input of the piece before. */
class Memories {
  readonly list: { name: string; shape: readonly number[] }[] = [];
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The frame before each of `x`. */
  of(block: string, x: Value): Value {
    const [frames, ...rest] = x.dims as number[] as [number, number, number, number];
    const name = `memory.${block}`;
    const shape = [1, ...rest];
    const memory = this.#graph.input(name, this.#graph.dtype, shape);
    this.list.push({ name, shape });
    this.#graph.output(`${name}.next`, slice(x, 0, frames - 1, frames));
    return frames === 1 ? memory : concat([memory, slice(x, 0, 0, frames - 1)], 0);
  }
}

/** relu(convolutions of (x, past) + x). */
function memBlock(scope: Scope, x: Value, past: Value): Value {
  const channels = x.dims[1] as number;
  const convs = scope.at("conv");
  let y = relu(conv3(convs.at(0), concat([x, past], 1), channels));
  y = relu(conv3(convs.at(2), y, channels));
  return relu(add(conv3(convs.at(4), y, channels), x));
}

/**
 * Frames become `factor` times as many: groups of channels are sub-frames. The reference enlarges first; a
 * 1 × 1 convolution commutes with that exactly, and costs a quarter of it here.
 */
function grow(scope: Scope, x: Value, factor: number): Value {
  const [frames, channels, height, width] = x.dims as number[] as [number, number, number, number];
  const weight = scope.parameter("conv.weight", [channels * factor, channels, 1, 1]);
  return reshape(conv(x, weight), [frames * factor, channels, height, width]);
}

/** `factor` frames become one: they lie side by side in the channels. */
function pool(scope: Scope, x: Value, factor: number): Value {
  const [frames, channels, height, width] = x.dims as number[] as [number, number, number, number];
  const weight = scope.parameter("conv.weight", [channels, channels * factor, 1, 1]);
  return conv(reshape(x, [frames / factor, channels * factor, height, width]), weight);
}

function conv3(
  scope: Scope,
  x: Value,
  out: number,
  { bias = true, stride = 1 }: { readonly bias?: boolean; readonly stride?: number } = {},
): Value {
  const weight = scope.parameter("weight", [out, x.dims[1] as number, 3, 3]);
  return conv(x, weight, bias ? scope.parameter("bias", [out]) : undefined, { stride, padding: 1 });
}

/** Channels back to the pixels of each cell, as planes [T, 3, H, W] or as pixels [T, H, W, 3]. */
function shuffle(x: Value, patch: number, layout: "planes" | "pixels"): Value {
  const [frames, channels, height, width] = x.dims as number[] as [number, number, number, number];
  const colours = channels / patch ** 2;
  const size = [height * patch, width * patch] as const;
  if (layout === "planes") {
    const cells = reshape(x, [frames, colours, patch, patch, height, width]);
    return reshape(transpose(cells, [0, 1, 4, 2, 5, 3]), [frames, colours, ...size]);
  }
  // [T, 3, p, q, h, w] -> [T, h, p, w, q, 3] with one axis moved at a time: such moves copy whole rows, or have
  // a kernel of their own, while the general one goes byte by byte: ten times slower on a CPU.
  const planes = reshape(x, [frames, colours, patch ** 2, height * width]);
  const byPlace = transpose(planes, [0, 2, 1, 3]); // [T, p·q, 3, h·w]
  const places = reshape(byPlace, [frames, patch, patch * colours, height * width]);
  const pixels = transpose(places, [0, 1, 3, 2]); // [T, p, h·w, q·3]
  const rows = reshape(pixels, [frames, patch, height, width * patch * colours]);
  return reshape(transpose(rows, [0, 2, 1, 3]), [frames, ...size, colours]);
}

/** The pixels of each cell become channels, [T, 3, H, W] -> [T, 3 · patch², H / patch, W / patch]. */
function unshuffle(x: Value, patch: number): Value {
  const [frames, colours, height, width] = x.dims as number[] as [number, number, number, number];
  const size = [height / patch, width / patch] as const;
  const cells = reshape(x, [frames, colours, size[0], patch, size[1], patch]);
  return reshape(transpose(cells, [0, 1, 3, 5, 2, 4]), [frames, colours * patch ** 2, ...size]);
}
