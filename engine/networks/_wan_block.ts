/**
 * What the Wan transformers are made of. F latent frames, C latent channels, h × w latent cells,
 * T = F · (h/2) · (w/2) tokens, D channels of the model, N heads, L keys, X text tokens.
 *
 * Source: guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1, wan/modules/model.py and
 * wan/modules/causal_model.py. Parameters are named as its checkpoints name them.
 *
 * In a float16 graph the Linear layers inside the blocks, rotary positions and attention compute in 16 bits. In float32
 * stay what the timestep becomes, the tokens between the blocks (each adds to them), LayerNorm, and the first and the
 * last Linear, which cost nothing.
 */

import {
  add,
  composedAttention,
  fill,
  gelu,
  layerNormalization,
  linear,
  mul,
  multiHeadAttention,
  reshape,
  rmsNormalization,
  rotaryEmbedding,
  type Scope,
  silu,
  split,
  transpose,
  type Value,
} from "../onnx/mod.ts";
import { inFloat32, inGraphType } from "./_islands.ts";

/** Sizes of a Wan, causal or not. */
export interface WanConfig {
  /** Channels of a token. */
  readonly dim: number;
  /** Channels in the middle of a block's feed-forward part. */
  readonly ffnDim: number;
  /** Heads of attention; `dim / numHeads` channels each, an even number. */
  readonly numHeads: number;
  /** Blocks, one after the other. */
  readonly numLayers: number;
  /** Channels of the timestep's sinusoid. */
  readonly freqDim: number;
  /** Channels of the text encoder's embeddings. */
  readonly textDim: number;
  /** Text tokens, padding included. */
  readonly textLen: number;
  /** Latent channels. */
  readonly inDim: number;
  /** Channels of the flow: as many as the latents have. */
  readonly outDim: number;
  /** Latent cells of one token: frames, rows, columns. */
  readonly patchSize: readonly [1, 2, 2];
  /** Added to variances before their root. */
  readonly eps: number;
}

/** What one pass works on, in latent frames and cells. */
export interface ChunkShape {
  /** Latent frames, from 1. */
  readonly frames: number;
  /** Rows of latent cells: pixels / 8, a multiple of 2. */
  readonly height: number;
  /** Columns of latent cells: pixels / 8, a multiple of 2. */
  readonly width: number;
}

/** `fused`: ONNX Runtime's attention kernels. `composed`: products and softmax. */
export type AttentionKind = "fused" | "composed";

/** Keys and values. */
export interface KeysAndValues {
  readonly k: Value;
  readonly v: Value;
}

/** Tokens of one latent frame. */
export function tokensPerFrame(config: WanConfig, shape: Omit<ChunkShape, "frames">): number {
  const [, rows, columns] = config.patchSize;
  if (shape.height % rows !== 0 || shape.width % columns !== 0) {
    throw new RangeError(
      `cannot cut latents of ${shape.height} × ${shape.width} cells into tokens: expected multiples of ${rows} and ${columns}`,
    );
  }
  return (shape.height / rows) * (shape.width / columns);
}

/** What a timestep makes of itself, in float32. One timestep for all frames has no axis F. */
export interface TimeEmbedding {
  /** What the head is modulated by, `[1, D]` or `[F, 1, D]`. */
  readonly e: Value;
  /** What the blocks are modulated by, `[6, D]` or `[F, 6, D]`. */
  readonly e0: Value;
}

/** @param time sinusoids `[1, freqDim]` for all frames together, or `[F, freqDim]` for each */
export function embedTime(
  root: Scope,
  time: Value,
  { dim }: WanConfig,
  perFrame: boolean,
): TimeEmbedding {
  const [count] = time.dims as [number];
  const scope = root.at("time_embedding");
  const e = dense(scope.at(2), silu(dense(scope.at(0), time, dim)), dim);
  const e0 = dense(root.at("time_projection", 1), silu(e), 6 * dim);
  return perFrame
    ? { e: reshape(e, [count, 1, dim]), e0: reshape(e0, [count, 6, dim]) }
    : { e, e0: reshape(e0, [6, dim]) };
}

/**
 * One transformer block. What tokens attend to is the caller's: it is all that the Wans differ in.
 *
 * @param x `[T, D]` in float32
 * @param e0 see `TimeEmbedding`
 * @param text the prompt's keys and values `[1, X, D]`
 * @param attend takes the modulated tokens `[T, D]` and the scope `self_attn`, gives `[T, D]` before the gate, both in
 * the graph's type
 */
export function wanBlock(
  scope: Scope,
  x: Value,
  e0: Value,
  text: KeysAndValues,
  attend: (scope: Scope, x: Value) => Value,
  config: WanConfig,
  attention: AttentionKind = "fused",
): Value {
  const { dim, ffnDim, eps } = config;
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(scope, 6, e0, dim) as Six;

  const self = attend(scope.at("self_attn"), inGraphType(modulated(x, shift1, scale1, eps)));
  x = add(x, gated(inFloat32(self), gate1));

  const norm3 = scope.at("norm3").like(x);
  const weight = norm3.parameter("weight", [dim]);
  const bias = norm3.parameter("bias", [dim]);
  const cross = inGraphType(layerNormalization(x, weight, bias, eps));
  const seen = crossAttention(scope.at("cross_attn"), cross, text, config, attention);
  x = add(x, inFloat32(seen));

  const ffn = scope.at("ffn");
  const widened = gelu(dense(ffn.at(0), inGraphType(modulated(x, shift2, scale2, eps)), ffnDim));
  return add(x, gated(inFloat32(dense(ffn.at(2), widened, dim)), gate2));
}

type Six = [Value, Value, Value, Value, Value, Value];

/** The flow `[F, C, h, w]` of the last tokens `[T, D]`, both in float32. */
export function wanHead(
  root: Scope,
  x: Value,
  e: Value,
  config: WanConfig,
  shape: ChunkShape,
): Value {
  const { dim, outDim, eps } = config;
  const head = root.at("head");
  const [shift, scale] = modulation(head, 2, e, dim) as [Value, Value];
  const patches = dense(head.at("head"), modulated(x, shift, scale, eps), outDim * 4);
  return joinPatches(patches, config, shape);
}

/** The rows of a learned modulation and the time's together: `[D]` each, or `[F, 1, D]`. */
function modulation(scope: Scope, count: number, time: Value, dim: number): Value[] {
  const learned = scope.like(time).parameter("modulation", [1, count, dim], [count, dim]);
  const sum = add(learned, time);
  const rows = split(sum, Array(count).fill(1), -2);
  return sum.rank === 2 ? rows.map((row) => reshape(row, [dim])) : rows;
}

/** LayerNorm(x) · (1 + scale) + shift: one operation where a row serves all tokens. */
function modulated(x: Value, shift: Value, scale: Value, eps: number): Value {
  if (shift.rank === 1) return layerNormalization(x, add(scale, 1), shift, eps);
  const [, dim] = x.dims as [number, number];
  const [ones, zeros] = [1, 0].map((value) => fill(x.graph, value, [dim], x.dtype)) as [
    Value,
    Value,
  ];
  const plain = layerNormalization(x, ones, zeros, eps);
  return byFrame(plain, shift, (frames) => add(mul(frames, add(scale, 1)), shift));
}

function gated(x: Value, gate: Value): Value {
  return gate.rank === 1 ? mul(x, gate) : byFrame(x, gate, (frames) => mul(frames, gate));
}

/** Applies rows `[F, 1, D]` to the tokens `[T, D]` of their frames. */
function byFrame(x: Value, rows: Value, apply: (frames: Value) => Value): Value {
  const [tokens, dim] = x.dims as [number, number];
  const [frames] = rows.dims as [number];
  return reshape(apply(reshape(x, [frames, tokens / frames, dim])), [tokens, dim]);
}

/**
 * Queries, keys and values of self-attention, `[1, T, D]`. Queries and keys are normed over all heads
 * together, before the split into heads and before they turn.
 */
export function projectTokens(
  scope: Scope,
  x: Value,
  cos: Value,
  sin: Value,
  { dim, numHeads, eps }: WanConfig,
): KeysAndValues & { readonly q: Value } {
  const [tokens] = x.dims as [number];
  const row = (value: Value) => reshape(value, [1, tokens, dim]);
  const turned = (part: "q" | "k") => {
    const projected = row(normed(scope.at(`norm_${part}`), dense(scope.at(part), x, dim), eps));
    return rotaryEmbedding(projected, cos, sin, numHeads);
  };
  return { q: turned("q"), k: turned("k"), v: row(dense(scope.at("v"), x, dim)) };
}

/** Unmasked attention of all heads. */
export function attend(
  q: Value,
  { k, v }: KeysAndValues,
  { numHeads }: WanConfig,
  kind: AttentionKind = "fused",
): Value {
  return kind === "composed"
    ? composedAttention(q, k, v, numHeads)
    : multiHeadAttention(q, k, v, numHeads);
}

function crossAttention(
  scope: Scope,
  x: Value,
  text: KeysAndValues,
  config: WanConfig,
  attention: AttentionKind,
): Value {
  const { dim, eps } = config;
  const [tokens] = x.dims as [number];
  const q = normed(scope.at("norm_q"), dense(scope.at("q"), x, dim), eps);
  const mixed = attend(reshape(q, [1, tokens, dim]), text, config, attention);
  return dense(scope.at("o"), reshape(mixed, [tokens, dim]), dim);
}

/** x · weightᵀ + bias of the Linear at `scope`, in x's type. */
export function dense(scope: Scope, x: Value, out: number): Value {
  const [, inner] = x.dims as [number, number];
  const own = scope.like(x);
  return linear(x, own.parameter("weight", [out, inner]), own.parameter("bias", [out]));
}

/** RMSNorm at `scope`. In float16 too, the kernels of every device take the mean of squares in float32. */
export function normed(scope: Scope, x: Value, eps: number): Value {
  return rmsNormalization(x, scope.parameter("weight", [x.dims[1] as number]), eps);
}

/**
 * Tokens of 1 × 2 × 2 cells in the order frame, row, column: the patches' convolution as one product, in the latents'
 * type.
 */
export function embedPatches(root: Scope, latents: Value, { dim }: WanConfig): Value {
  const [frames, channels, height, width] = latents.dims as [number, number, number, number];
  const cells = reshape(latents, [frames, channels, height / 2, 2, width / 2, 2]);
  const patches = transpose(cells, [0, 2, 4, 1, 3, 5]); // [F, h/2, w/2, C, 2, 2]
  const rows = reshape(patches, [frames * (height / 2) * (width / 2), channels * 4]);
  const scope = root.at("patch_embedding").like(latents);
  const weight = scope.parameter("weight", [dim, channels, 1, 2, 2], [dim, channels * 4]);
  return linear(rows, weight, scope.parameter("bias", [dim]));
}

/** The head's rows are (row, column, channel), channel fastest: back to [F, C, h, w]. */
function joinPatches(patches: Value, { outDim }: WanConfig, shape: ChunkShape): Value {
  const { frames, height, width } = shape;
  const cells = reshape(patches, [frames, height / 2, width / 2, 2, 2, outDim]);
  const joined = transpose(cells, [0, 5, 1, 3, 2, 4]); // [F, C, h/2, 2, w/2, 2]
  return reshape(joined, [frames, outDim, height, width]);
}
