/**
 * The causal Wan transformer of Self Forcing: one pass over one chunk, with its key-value cache.
 *
 * Shapes: F latent frames of a chunk, C latent channels, h × w latent cells, T = F · (h/2) · (w/2) tokens,
 * D channels of the model, N heads, L tokens in the cache, X text tokens.
 *
 * Source: guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1, wan/modules/causal_model.py and
 * wan/modules/model.py. Parameters are named as its checkpoints name them.
 */

import {
  add,
  composedAttention,
  gelu,
  Graph,
  layerNormalization,
  linear,
  mul,
  multiHeadAttention,
  reshape,
  rmsNormalization,
  rotaryEmbedding,
  scatterRows,
  Scope,
  silu,
  split,
  sub,
  transpose,
  type Value,
} from "../onnx/mod.ts";

/** Sizes of a causal Wan. */
export interface CausalWanConfig {
  readonly dim: number;
  readonly ffnDim: number;
  readonly numHeads: number;
  readonly numLayers: number;
  /** Channels of the timestep's sinusoid. */
  readonly freqDim: number;
  readonly textDim: number;
  /** Text tokens, padding included. */
  readonly textLen: number;
  /** Latent channels. */
  readonly inDim: number;
  readonly outDim: number;
  /** Latent cells of one token: frames, rows, columns. */
  readonly patchSize: readonly [1, 2, 2];
  readonly eps: number;
}

/** What one pass works on, in latent frames and cells. */
export interface ChunkShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** How the network is built. */
export interface CausalWanOptions {
  /** `fused` (default): ONNX Runtime's attention kernels. `composed`: products and softmax. */
  readonly attention?: "fused" | "composed";
  /** Gives the output `flow` too, to look at. Default: false. */
  readonly flow?: boolean;
}

/** Names of the caches and of the text's keys and values in the graphs below. */
export const causalWanNames = {
  cache: (layer: number, part: "k" | "v") => `cache.${layer}.${part}`,
  updated: (layer: number, part: "k" | "v") => `cache.${layer}.${part}.updated`,
  context: (layer: number, part: "k" | "v") => `context.${layer}.${part}`,
} as const;

/** Tokens of one latent frame. */
export function tokensPerFrame(config: CausalWanConfig, shape: Omit<ChunkShape, "frames">): number {
  const [, rows, columns] = config.patchSize;
  if (shape.height % rows !== 0 || shape.width % columns !== 0) {
    throw new RangeError(
      `cannot cut latents of ${shape.height} × ${shape.width} cells into tokens: expected multiples of ${rows} and ${columns}`,
    );
  }
  return (shape.height / rows) * (shape.width / columns);
}

/**
 * One pass of the network over a chunk, and the sampler's step behind it.
 *
 * Inputs: `latents` [F, C, h, w]; `time` [1, freqDim], the timestep's sinusoid; `cos`, `sin` [T, D/N/2];
 * `slots` int64 [1, T, 2], the rows (0, row) of the cache that the chunk's keys and values go to;
 * `cache.<layer>.k|v` [1, L, D], of which all rows are attended to after the update; `context.<layer>.k|v`
 * [1, X, D] from `causalWanContext`; `sigma` and `next-sigma` [1]; `noise` [F, C, h, w].
 *
 * Outputs: `next` [F, C, h, w] = (1 − next-sigma) · x0 + next-sigma · noise with x0 = latents − sigma · flow,
 * which is x0 itself where next-sigma is 0; `cache.<layer>.k|v.updated`, to be bound to the memory of their
 * inputs; `flow` [F, C, h, w] where asked for.
 */
export function causalWan(
  config: CausalWanConfig,
  shape: ChunkShape,
  options: CausalWanOptions = {},
): Graph {
  const { dim, numHeads, numLayers, freqDim, inDim, outDim, textLen, eps } = config;
  const graph = new Graph("causal_wan");
  const root = new Scope(graph);
  const { frames, height, width } = shape;
  const tokens = frames * tokensPerFrame(config, shape);
  const float = (name: string, dims: readonly (number | string)[]) =>
    graph.input(name, "float32", dims);

  const latents = float("latents", [frames, inDim, height, width]);
  const time = float("time", [1, freqDim]);
  const cos = float("cos", [tokens, dim / numHeads / 2]);
  const sin = float("sin", [tokens, dim / numHeads / 2]);
  const slots = graph.input("slots", "int64", [1, tokens, 2]);

  // e [1, D] is the time's embedding, e0 [6, D] what the blocks are modulated by.
  const timeEmbedding = root.at("time_embedding");
  const hidden = silu(dense(timeEmbedding.at(0), time, dim));
  const e = dense(timeEmbedding.at(2), hidden, dim);
  const e0 = reshape(dense(root.at("time_projection", 1), silu(e), 6 * dim), [6, dim]);

  let x = embedPatches(root.at("patch_embedding"), latents, config); // [T, D]
  for (let layer = 0; layer < numLayers; layer++) {
    const scope = root.at("blocks", layer);
    const [k, v] = (["k", "v"] as const).map((part) => ({
      cached: float(causalWanNames.cache(layer, part), [1, "cache", dim]),
      context: float(causalWanNames.context(layer, part), [1, textLen, dim]),
    })) as [KeyOrValue, KeyOrValue];
    const modulation = add(scope.parameter("modulation", [1, 6, dim], [6, dim]), e0);
    const [shift1, scale1, gate1, shift2, scale2, gate2] = split(modulation, Array(6).fill(1), 0)
      .map((row) => reshape(row, [dim])) as SixRows;

    const modulated = layerNormalization(x, add(scale1, 1), shift1, eps);
    const self = selfAttention(
      scope.at("self_attn"),
      modulated,
      { k: k.cached, v: v.cached, cos, sin, slots },
      config,
      options,
    );
    graph.output(causalWanNames.updated(layer, "k"), self.k);
    graph.output(causalWanNames.updated(layer, "v"), self.v);
    x = add(x, mul(self.mixed, gate1));

    const norm3 = scope.at("norm3");
    const normed = layerNormalization(
      x,
      norm3.parameter("weight", [dim]),
      norm3.parameter("bias", [dim]),
      eps,
    );
    const text = { k: k.context, v: v.context };
    x = add(x, crossAttention(scope.at("cross_attn"), normed, text, config, options));

    const ffn = scope.at("ffn");
    const widened = gelu(
      dense(ffn.at(0), layerNormalization(x, add(scale2, 1), shift2, eps), config.ffnDim),
    );
    x = add(x, mul(dense(ffn.at(2), widened, dim), gate2));
  }

  const head = root.at("head");
  const [shift, scale] = split(
    add(head.parameter("modulation", [1, 2, dim], [2, dim]), e),
    [1, 1],
    0,
  ).map((row) => reshape(row, [dim])) as [Value, Value];
  const patches = dense(
    head.at("head"),
    layerNormalization(x, add(scale, 1), shift, eps),
    outDim * 4,
  );
  const flow = joinPatches(patches, config, shape);
  if (options.flow) graph.output("flow", flow);
  graph.output("next", fewStepUpdate(graph, latents, flow));
  return graph;
}

/**
 * What the prompt contributes, once a prompt: the text's keys and values of every layer.
 *
 * Input: `embeddings` [X, textDim]. Outputs: `context.<layer>.k|v` [1, X, D].
 */
export function causalWanContext(config: CausalWanConfig): Graph {
  const { dim, textDim, textLen, numLayers, eps } = config;
  const graph = new Graph("causal_wan_context");
  const root = new Scope(graph);
  const embeddings = graph.input("embeddings", "float32", [textLen, textDim]);
  const embedding = root.at("text_embedding");
  const text = dense(embedding.at(2), gelu(dense(embedding.at(0), embeddings, dim)), dim);
  for (let layer = 0; layer < numLayers; layer++) {
    const scope = root.at("blocks", layer, "cross_attn");
    const k = normed(scope.at("norm_k"), dense(scope.at("k"), text, dim), eps);
    const v = dense(scope.at("v"), text, dim);
    graph.output(causalWanNames.context(layer, "k"), reshape(k, [1, textLen, dim]));
    graph.output(causalWanNames.context(layer, "v"), reshape(v, [1, textLen, dim]));
  }
  return graph;
}

interface KeyOrValue {
  readonly cached: Value;
  readonly context: Value;
}

type SixRows = [Value, Value, Value, Value, Value, Value];

interface Cached {
  readonly k: Value;
  readonly v: Value;
  readonly cos: Value;
  readonly sin: Value;
  readonly slots: Value;
}

/** The chunk attends to the cache, in which its own keys and values have taken their slots first. */
function selfAttention(
  scope: Scope,
  x: Value,
  cached: Cached,
  config: CausalWanConfig,
  options: CausalWanOptions,
): { readonly mixed: Value; readonly k: Value; readonly v: Value } {
  const { dim, numHeads, eps } = config;
  const [tokens] = x.dims as [number];
  const row = (value: Value) => reshape(value, [1, tokens, dim]);
  // Both are normed over all heads together, before the split into heads and before they turn.
  const q = row(normed(scope.at("norm_q"), dense(scope.at("q"), x, dim), eps));
  const k = row(normed(scope.at("norm_k"), dense(scope.at("k"), x, dim), eps));
  const keys = scatterRows(
    cached.k,
    cached.slots,
    rotaryEmbedding(k, cached.cos, cached.sin, numHeads),
  );
  const values = scatterRows(cached.v, cached.slots, row(dense(scope.at("v"), x, dim)));
  const turned = rotaryEmbedding(q, cached.cos, cached.sin, numHeads);
  const mixed = attend(turned, keys, values, numHeads, options);
  return { mixed: dense(scope.at("o"), reshape(mixed, [tokens, dim]), dim), k: keys, v: values };
}

function crossAttention(
  scope: Scope,
  x: Value,
  text: { readonly k: Value; readonly v: Value },
  config: CausalWanConfig,
  options: CausalWanOptions,
): Value {
  const { dim, numHeads, eps } = config;
  const [tokens] = x.dims as [number];
  const q = normed(scope.at("norm_q"), dense(scope.at("q"), x, dim), eps);
  const mixed = attend(reshape(q, [1, tokens, dim]), text.k, text.v, numHeads, options);
  return dense(scope.at("o"), reshape(mixed, [tokens, dim]), dim);
}

function attend(q: Value, k: Value, v: Value, heads: number, options: CausalWanOptions): Value {
  return options.attention === "composed"
    ? composedAttention(q, k, v, heads)
    : multiHeadAttention(q, k, v, heads);
}

/** x · weightᵀ + bias of the Linear at `scope`. */
function dense(scope: Scope, x: Value, out: number): Value {
  const [, inner] = x.dims as [number, number];
  return linear(x, scope.parameter("weight", [out, inner]), scope.parameter("bias", [out]));
}

function normed(scope: Scope, x: Value, eps: number): Value {
  return rmsNormalization(x, scope.parameter("weight", [x.dims[1] as number]), eps);
}

/** Tokens of 1 × 2 × 2 cells in the order frame, row, column: the patches' convolution as one product. */
function embedPatches(scope: Scope, latents: Value, config: CausalWanConfig): Value {
  const [frames, channels, height, width] = latents.dims as number[] as [
    number,
    number,
    number,
    number,
  ];
  const cells = reshape(latents, [frames, channels, height / 2, 2, width / 2, 2]);
  const patches = transpose(cells, [0, 2, 4, 1, 3, 5]); // [F, h/2, w/2, C, 2, 2]
  const rows = reshape(patches, [frames * (height / 2) * (width / 2), channels * 4]);
  const weight = scope.parameter("weight", [config.dim, channels, 1, 2, 2], [
    config.dim,
    channels * 4,
  ]);
  return linear(rows, weight, scope.parameter("bias", [config.dim]));
}

/** The head's rows are (row, column, channel), channel fastest: back to [F, C, h, w]. */
function joinPatches(patches: Value, config: CausalWanConfig, shape: ChunkShape): Value {
  const { frames, height, width } = shape;
  const { outDim } = config;
  const cells = reshape(patches, [frames, height / 2, width / 2, 2, 2, outDim]);
  const joined = transpose(cells, [0, 5, 1, 3, 2, 4]); // [F, C, h/2, 2, w/2, 2]
  return reshape(joined, [frames, outDim, height, width]);
}

/** The few-step sampler's update, here so that latents stay on the device from noise to the clean chunk. */
function fewStepUpdate(graph: Graph, latents: Value, flow: Value): Value {
  const sigma = graph.input("sigma", "float32", [1]);
  const nextSigma = graph.input("next-sigma", "float32", [1]);
  const noise = graph.input("noise", "float32", latents.dims);
  const x0 = sub(latents, mul(flow, sigma));
  return add(mul(x0, sub(1, nextSigma)), mul(noise, nextSigma));
}
