/**
 * The bidirectional Wan transformer: every token attends to every other.
 *
 * Source: Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/modules/model.py (WanModel, t2v).
 */

import type { Graph } from "../onnx/mod.ts";
import type { AttentionKind, ChunkShape, WanConfig } from "./_wan_block.ts";
import type { Precision } from "./_islands.ts";
import { wanSequence } from "./_wan_sequence.ts";

/** How the network is built. */
export interface WanOptions {
  /** `fused` (default): ONNX Runtime's attention kernels. `composed`: products and softmax. */
  readonly attention?: AttentionKind;
  /** Element type of products, attention and the text's keys and values. Default: float32. */
  readonly dtype?: Precision;
}

/**
 * One pass over a clip of F latent frames, T = F · (h/2) · (w/2) tokens.
 *
 * Inputs: `latents` [F, C, h, w]; `time` [1, freqDim], the timestep's sinusoid; `cos`, `sin` [T, D/N/2] from
 * frame 0; `context.<layer>.k|v` [1, X, D] from `wanContext`. Output: `flow` [F, C, h, w].
 */
export function wan(config: WanConfig, shape: ChunkShape, options: WanOptions = {}): Graph {
  const all = [0, shape.frames] as const;
  return wanSequence(config, shape, {
    name: "wan",
    plan: [{ queries: all, keys: [all] }],
    timePerFrame: false,
    clean: false,
    attention: options.attention,
    dtype: options.dtype,
  });
}
