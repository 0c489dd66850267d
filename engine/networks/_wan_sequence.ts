/**
 * A Wan over whole clips, without a cache: who attends to whom is a plan of frames. F latent frames, P tokens
 * of each, D channels of the model.
 */

import { concat, Graph, reshape, Scope, slice, type Value } from "../onnx/mod.ts";
import {
  attend,
  type AttentionKind,
  type ChunkShape,
  dense,
  embedPatches,
  embedTime,
  type KeysAndValues,
  projectTokens,
  tokensPerFrame,
  wanBlock,
  type WanConfig,
  wanHead,
} from "./_wan_block.ts";
import { inGraphType, type Precision } from "./_islands.ts";
import { contextName } from "./wan_context.ts";

/** Frames `start … end − 1`. */
export type FrameRange = readonly [start: number, end: number];

/** Frames whose tokens attend to the same keys, and the frames of these keys. */
export interface AttentionSpan {
  /** Frames that look. */
  readonly queries: FrameRange;
  /** Frames that are seen, in the order their keys stand. */
  readonly keys: readonly FrameRange[];
}

/** How the network is built. */
export interface SequenceOptions {
  readonly name: string;
  /** Covers every frame once, in order; with clean frames, these come first, the noisy ones behind them. */
  readonly plan: readonly AttentionSpan[];
  /** Whether `time` is [F, freqDim]. */
  readonly timePerFrame: boolean;
  /** Whether the clip's clean frames are read too, in front of the noisy ones (teacher forcing). */
  readonly clean: boolean;
  readonly attention?: AttentionKind | undefined;
  readonly dtype?: Precision | undefined;
}

/**
 * One pass over a clip.
 *
 * Spans are cut out of keys and values and attended to unmasked: as exact as a mask, without its quadratic
 * memory, without work that it would throw away, and by the fused kernels.
 */
export function wanSequence(
  config: WanConfig,
  shape: ChunkShape,
  { name, plan, timePerFrame, clean, attention = "fused", dtype = "float32" }: SequenceOptions,
): Graph {
  const { dim, numHeads, numLayers, freqDim, inDim, textLen } = config;
  const { frames, height, width } = shape;
  const perFrame = tokensPerFrame(config, shape);
  const tokens = frames * perFrame;
  const graph = new Graph(name, dtype);
  const root = new Scope(graph);
  const float = (name: string, dims: readonly number[]) => graph.input(name, "float32", dims);
  const twice = (first: Value | undefined, x: Value) => first ? concat([first, x], 0) : x;

  const cells = [frames, inDim, height, width];
  const angles = [tokens, dim / numHeads / 2];
  const latents = twice(clean ? float("clean", cells) : undefined, float("latents", cells));
  const sinusoids = [timePerFrame ? frames : 1, freqDim];
  const time = twice(clean ? float("clean-time", sinusoids) : undefined, float("time", sinusoids));
  const [cos, sin] = ["cos", "sin"].map((table) => {
    const given = inGraphType(float(table, angles));
    return twice(clean ? given : undefined, given);
  }) as [Value, Value];

  const { e, e0 } = embedTime(root, time, config, timePerFrame);
  let x = embedPatches(root, latents, config);
  for (let layer = 0; layer < numLayers; layer++) {
    const attendSpans = (scope: Scope, modulated: Value) => {
      const { q, ...own } = projectTokens(scope, modulated, cos, sin, config);
      const mixed = plan.map(({ queries, keys }) =>
        attend(
          cut(q, [queries], perFrame),
          { k: cut(own.k, keys, perFrame), v: cut(own.v, keys, perFrame) },
          config,
          attention,
        )
      );
      const all = mixed.length === 1 ? mixed[0]! : concat(mixed, 1);
      return dense(scope.at("o"), reshape(all, [x.dims[0] as number, dim]), dim);
    };
    const text: KeysAndValues = {
      k: graph.input(contextName(layer, "k"), dtype, [1, textLen, dim]),
      v: graph.input(contextName(layer, "v"), dtype, [1, textLen, dim]),
    };
    x = wanBlock(root.at("blocks", layer), x, e0, text, attendSpans, config, attention);
  }
  // Of clean frames only the keys and values are of use.
  if (clean) {
    x = slice(x, 0, tokens, 2 * tokens);
  }
  const noisy = clean ? slice(e, 0, frames, 2 * frames) : e;
  graph.output("flow", wanHead(root, x, noisy, config, shape));
  return graph;
}

/** Tokens `[1, …, D]` of the frames named. */
function cut(x: Value, ranges: readonly FrameRange[], perFrame: number): Value {
  const parts = ranges.map(([start, end]) =>
    start === 0 && end * perFrame === x.dims[1] ? x : slice(x, 1, start * perFrame, end * perFrame)
  );
  return parts.length === 1 ? parts[0]! : concat(parts, 1);
}
