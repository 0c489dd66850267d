/**
 * Wan 2.1's video autoencoder, whole or streaming: a piece of a clip at a time, with what its convolutions over
 * time have seen last carried from piece to piece. T frames, C channels, h × w cells; time lies in the batch axis.
 *
 * n latent frames at a clip's beginning are 4 (n − 1) + 1 pictures, later ones 4 n.
 *
 * Source: Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/modules/vae.py (WanVAE_). Parameters
 * are named as Wan2.1_VAE.pth names them.
 *
 * In a float16 graph all of it computes in 16 bits but lengths of vectors, which lie below and above what float16 has
 * numbers for, what the latents are normalised by, and the last step, from numbers to bytes.
 */

import {
  add,
  cast,
  clip,
  Graph,
  mul,
  round,
  Scope,
  silu,
  slice,
  sub,
  transpose,
  upsampleNearest,
  type Value,
} from "../onnx/mod.ts";
import { inFloat32, inGraphType, type Precision } from "./_islands.ts";
import type { AttentionKind } from "./_wan_block.ts";
import {
  causalConv,
  type ClipPart,
  conv2,
  doubleTime,
  halveTime,
  middle,
  normed,
  Past,
  pointwise,
  residualBlock,
} from "./_wan_vae_parts.ts";
import type { ClipShape } from "./taehv.ts";

/** Sizes of a Wan VAE, and what its latents are normalised by. */
export interface WanVaeConfig {
  /** Channels at full resolution; each stage has `dimMult` times as many. */
  readonly dim: number;
  /** Latent channels. */
  readonly zDim: number;
  /** From full resolution to the latents'; each stage but the last halves the picture. */
  readonly dimMult: readonly number[];
  /** Residual blocks of each stage of the encoder; the decoder has one more. */
  readonly numResBlocks: number;
  /** Which of the halvings halve time too. */
  readonly temporalDownsample: readonly boolean[];
  /** Mean of each latent channel. */
  readonly latentMean: readonly number[];
  /** Standard deviation of each latent channel. */
  readonly latentStd: readonly number[];
}

/** How the graphs are built. */
export interface WanVaeOptions {
  /** Default: `whole`. */
  readonly part?: ClipPart;
  /** `fused` (default): ONNX Runtime's attention kernels. `composed`: products and softmax. */
  readonly attention?: AttentionKind;
  /** Element type of the convolutions and of the memories. Default: float32. */
  readonly dtype?: Precision;
}

/**
 * A network, and what it carries from piece to piece: `memory.<convolution>`, given by the parts `first` and
 * `next` as `memory.<convolution>.next`, read by the part `next`.
 */
export interface WanVaeGraph {
  /** To be loaded. */
  readonly graph: Graph;
  /** What is carried. */
  readonly memories: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Pixels of one latent cell, both ways. */
export function vaeSpatialFactor({ dimMult }: WanVaeConfig): number {
  return 2 ** (dimMult.length - 1);
}

/** Pictures of one latent frame behind the clip's first. */
export function vaeTemporalFactor({ temporalDownsample }: WanVaeConfig): number {
  return 2 ** temporalDownsample.filter(Boolean).length;
}

/** Pictures of that many latent frames. */
export function picturesOf(config: WanVaeConfig, latentFrames: number, part: ClipPart): number {
  const factor = vaeTemporalFactor(config);
  return part === "next" ? factor * latentFrames : factor * (latentFrames - 1) + 1;
}

/**
 * Latents to pictures.
 *
 * Inputs: `latents` [T, C, h, w], normalised; the memories of `WanVaeGraph`. Outputs: `rgb` uint8
 * [pictures, H, W, 3], or `frames` [pictures, 3, H, W], not limited to −1 … 1; the memories.
 */
export function wanVaeDecoder(
  config: WanVaeConfig,
  shape: ClipShape,
  options: WanVaeOptions & { readonly output?: "rgb" | "frames" } = {},
): WanVaeGraph {
  const { part = "whole", output = "rgb", attention = "fused", dtype = "float32" } = options;
  const { dim, zDim, dimMult, numResBlocks, temporalDownsample } = config;
  const graph = new Graph("wan_vae_decoder", dtype);
  const past = new Past(graph, part);
  const root = new Scope(graph);
  const scope = root.at("decoder");
  const latents = graph.input("latents", "float32", [
    shape.frames,
    zDim,
    shape.height,
    shape.width,
  ]);
  const widths = dimMult.toReversed().map((factor) => dim * factor);

  const z = add(mul(latents, perChannel(graph, config.latentStd)), mean(graph, config));
  let x = pointwise(root.at("conv2"), inGraphType(z), zDim);
  x = causalConv(scope.at("conv1"), x, widths[0]!, past);
  x = middle(scope.at("middle"), x, past, attention);
  let at = 0;
  for (const [stage, width] of widths.entries()) {
    for (let i = 0; i <= numResBlocks; i++) {
      x = residualBlock(scope.at("upsamples", at++), x, width, past);
    }
    if (stage === widths.length - 1) break;
    const upsample = scope.at("upsamples", at++);
    if (temporalDownsample.at(-1 - stage)) x = doubleTime(upsample.at("time_conv"), x, past, part);
    x = conv2(upsample.at("resample", 1), upsampleNearest(x, 2), width / 2, { padding: 1 });
  }
  x = inFloat32(causalConv(scope.at("head", 2), silu(normed(scope.at("head", 0), x)), 3, past));
  if (output === "frames") graph.output("frames", x);
  else {
    const bytes = cast(round(mul(add(clip(x, -1, 1), 1), 127.5)), "uint8");
    graph.output("rgb", transpose(bytes, [0, 2, 3, 1]));
  }
  return { graph, memories: past.list };
}

/**
 * Pictures to latents: the mean of their distribution, as the reference takes it.
 *
 * Inputs: `frames` [T, 3, H, W] in −1 … 1, T = 4 n + 1 at a clip's beginning and 4 n behind it; the memories
 * of `WanVaeGraph`. Outputs: `latents` [T', C, h, w], normalised, or `mean` before that; the memories.
 */
export function wanVaeEncoder(
  config: WanVaeConfig,
  shape: ClipShape,
  options: WanVaeOptions & { readonly output?: "latents" | "mean" } = {},
): WanVaeGraph {
  const { part = "whole", output = "latents", attention = "fused", dtype = "float32" } = options;
  const { dim, zDim, dimMult, numResBlocks, temporalDownsample } = config;
  checkPictures(config, shape, part);
  const graph = new Graph("wan_vae_encoder", dtype);
  const past = new Past(graph, part);
  const root = new Scope(graph);
  const scope = root.at("encoder");
  const frames = graph.input("frames", "float32", [shape.frames, 3, shape.height, shape.width]);

  let x = causalConv(scope.at("conv1"), inGraphType(frames), dim, past);
  let at = 0;
  for (const [stage, factor] of dimMult.entries()) {
    for (let i = 0; i < numResBlocks; i++) {
      x = residualBlock(scope.at("downsamples", at++), x, dim * factor, past);
    }
    if (stage === dimMult.length - 1) break;
    const downsample = scope.at("downsamples", at++);
    const halving = { stride: 2, padding: [0, 0, 1, 1] } as const;
    x = conv2(downsample.at("resample", 1), x, dim * factor, halving);
    if (temporalDownsample[stage]) x = halveTime(downsample.at("time_conv"), x, past, part);
  }
  x = middle(scope.at("middle"), x, past, attention);
  x = causalConv(scope.at("head", 2), silu(normed(scope.at("head", 0), x)), 2 * zDim, past);
  // The other half of the channels is the logarithm of the variance.
  const mu = inFloat32(slice(pointwise(root.at("conv1"), x, 2 * zDim), 1, 0, zDim));
  const inverse = perChannel(graph, config.latentStd.map((std) => 1 / std));
  graph.output(output, output === "mean" ? mu : mul(sub(mu, mean(graph, config)), inverse));
  return { graph, memories: past.list };
}

function checkPictures(config: WanVaeConfig, shape: ClipShape, part: ClipPart): void {
  const time = vaeTemporalFactor(config);
  const cell = vaeSpatialFactor(config);
  const first = part === "next" ? 0 : 1;
  const { frames, height, width } = shape;
  if (frames <= 0 || (frames - first) % time || height % cell || width % cell) {
    throw new RangeError(
      `cannot encode ${frames} pictures of ${height} × ${width}: expected a multiple of ${time} pictures${
        first ? " and one, the clip's first," : ""
      } and of ${cell} pixels both ways`,
    );
  }
}

function mean(graph: Graph, { latentMean }: WanVaeConfig): Value {
  return perChannel(graph, latentMean);
}

function perChannel(graph: Graph, values: readonly number[]): Value {
  return graph.constant("float32", [values.length, 1, 1], Float32Array.from(values));
}
