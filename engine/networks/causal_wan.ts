/**
 * The causal Wan transformer of Self Forcing: one pass over one chunk, with its key-value cache.
 *
 * Shapes: F latent frames of a chunk, C latent channels, h × w latent cells, T = F · (h/2) · (w/2) tokens,
 * D channels of the model, N heads, L tokens in the cache, X text tokens.
 *
 * Source: guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1, wan/modules/causal_model.py
 * (CausalWanModel._forward_inference).
 */

import { add, Graph, mul, reshape, scatterRows, Scope, sub, type Value } from "../onnx/mod.ts";
import {
  attend,
  type AttentionKind,
  type ChunkShape,
  dense,
  embedPatches,
  embedTime,
  projectTokens,
  tokensPerFrame,
  wanBlock,
  type WanConfig,
  wanHead,
} from "./_wan_block.ts";
import { inGraphType, type Precision } from "./_islands.ts";
import { contextName } from "./wan_context.ts";

/** How the network is built. */
export interface CausalWanOptions {
  /** `fused` (default): ONNX Runtime's attention kernels. `composed`: products and softmax. */
  readonly attention?: AttentionKind;
  /** Gives the output `flow` too, to look at. Default: false. */
  readonly flow?: boolean;
  /** Whether each frame has a timestep of its own: `time` is then [F, freqDim]. Default: false. */
  readonly timePerFrame?: boolean;
  /** Element type of products, attention, caches and the text's keys and values. Default: float32. */
  readonly dtype?: Precision;
}

/** Names of the caches and of the text's keys and values in the graphs below. */
export const causalWanNames = {
  cache: (layer: number, part: "k" | "v") => `cache.${layer}.${part}`,
  updated: (layer: number, part: "k" | "v") => `cache.${layer}.${part}.updated`,
  context: contextName,
} as const;

/**
 * One pass of the network over a chunk, and the sampler's step behind it.
 *
 * Inputs: `latents` [F, C, h, w]; `time` [1, freqDim], the timestep's sinusoid; `cos`, `sin` [T, D/N/2];
 * `slots` int64 [1, T, 2], the rows (0, row) of the cache that the chunk's keys and values go to;
 * `cache.<layer>.k|v` [1, L, D], of which all rows are attended to after the update; `context.<layer>.k|v`
 * [1, X, D] from `wanContext`; `sigma` and `next-sigma` [1]; `noise` [F, C, h, w].
 *
 * All in float32, but that the caches and the text's keys and values have the option `dtype`.
 *
 * Outputs: `next` [F, C, h, w] = (1 − next-sigma) · x0 + next-sigma · noise with x0 = latents − sigma · flow,
 * which is x0 itself where next-sigma is 0; `cache.<layer>.k|v.updated`, to be bound to the memory of their
 * inputs; `flow` [F, C, h, w] where asked for.
 */
export function causalWan(
  config: WanConfig,
  shape: ChunkShape,
  options: CausalWanOptions = {},
): Graph {
  const { dim, numHeads, numLayers, freqDim, inDim, textLen } = config;
  const { attention = "fused", timePerFrame = false, dtype = "float32" } = options;
  const graph = new Graph("causal_wan", dtype);
  const root = new Scope(graph);
  const { frames, height, width } = shape;
  const tokens = frames * tokensPerFrame(config, shape);
  const float = (name: string, dims: readonly (number | string)[]) =>
    graph.input(name, "float32", dims);

  const latents = float("latents", [frames, inDim, height, width]);
  const time = float("time", [timePerFrame ? frames : 1, freqDim]);
  const cos = inGraphType(float("cos", [tokens, dim / numHeads / 2]));
  const sin = inGraphType(float("sin", [tokens, dim / numHeads / 2]));
  const slots = graph.input("slots", "int64", [1, tokens, 2]);

  const { e, e0 } = embedTime(root, time, config, timePerFrame);
  let x = embedPatches(root, latents, config); // [T, D]
  for (let layer = 0; layer < numLayers; layer++) {
    const [k, v] = (["k", "v"] as const).map((part) => ({
      cached: graph.input(causalWanNames.cache(layer, part), dtype, [1, "cache", dim]),
      context: graph.input(contextName(layer, part), dtype, [1, textLen, dim]),
    })) as [KeyOrValue, KeyOrValue];
    /** The chunk attends to the cache, in which its own keys and values have taken their slots first. */
    const attendCache = (scope: Scope, modulated: Value) => {
      const own = projectTokens(scope, modulated, cos, sin, config);
      const keys = scatterRows(k.cached, slots, own.k);
      const values = scatterRows(v.cached, slots, own.v);
      graph.output(causalWanNames.updated(layer, "k"), keys);
      graph.output(causalWanNames.updated(layer, "v"), values);
      const mixed = attend(own.q, { k: keys, v: values }, config, attention);
      return dense(scope.at("o"), reshape(mixed, [tokens, dim]), dim);
    };
    const text = { k: k.context, v: v.context };
    x = wanBlock(root.at("blocks", layer), x, e0, text, attendCache, config, attention);
  }
  const flow = wanHead(root, x, e, config, shape);
  if (options.flow) graph.output("flow", flow);
  graph.output("next", fewStepUpdate(graph, latents, flow));
  return graph;
}

interface KeyOrValue {
  readonly cached: Value;
  readonly context: Value;
}

/** The few-step sampler's update, here so that latents stay on the device from noise to the clean chunk. */
function fewStepUpdate(graph: Graph, latents: Value, flow: Value): Value {
  const sigma = graph.input("sigma", "float32", [1]);
  const nextSigma = graph.input("next-sigma", "float32", [1]);
  const noise = graph.input("noise", "float32", latents.dims);
  const x0 = sub(latents, mul(flow, sigma));
  return add(mul(x0, sub(1, nextSigma)), mul(noise, nextSigma));
}
