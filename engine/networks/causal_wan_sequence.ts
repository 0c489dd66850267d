/**
 * The causal Wan over a whole clip at once, as it is trained: every chunk attends to itself and to what came
 * before it, all chunks in one pass, a timestep for each frame.
 *
 * Source: guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1, wan/modules/causal_model.py
 * (CausalWanModel._forward_train and the masks before it).
 */

import type { Graph } from "../onnx/mod.ts";
import type { AttentionKind, ChunkShape, WanConfig } from "./_wan_block.ts";
import type { Precision } from "./_islands.ts";
import { type AttentionSpan, type FrameRange, wanSequence } from "./_wan_sequence.ts";

/** Which frames see which. All in latent frames. */
export interface BlockCausalOptions {
  /** Frames of a chunk. */
  readonly chunk: number;
  /** Whether the first frame is a chunk of its own. Default: false. */
  readonly independentFirstFrame?: boolean;
  /** Frames that a chunk sees, itself included; 0 (default): all before it. */
  readonly window?: number;
  /**
   * Whether the past is given clean: the inputs `clean` and `clean-time` are then read, noisy chunks see
   * themselves and the clean frames before them, clean chunks what they would see alone. Default: false.
   * With a window, noisy chunks see what the cache would hold; the reference ignores it here.
   */
  readonly teacherForcing?: boolean;
}

/** How the network is built. */
export interface CausalWanSequenceOptions extends BlockCausalOptions {
  /** `fused` (default): ONNX Runtime's attention kernels. `composed`: products and softmax. */
  readonly attention?: AttentionKind;
  /** Element type of products, attention and the text's keys and values. Default: float32. */
  readonly dtype?: Precision;
}

/**
 * One pass over a clip of F latent frames, T = F · (h/2) · (w/2) tokens.
 *
 * Inputs: `latents` [F, C, h, w]; `time` [F, freqDim], sinusoids of the frames' timesteps; with teacher
 * forcing `clean` [F, C, h, w] and `clean-time` [F, freqDim], of timestep 0 where the clean frames are not
 * augmented; `cos`, `sin` [T, D/N/2] from frame 0; `context.<layer>.k|v` [1, X, D] from `wanContext`.
 * Output: `flow` [F, C, h, w].
 */
export function causalWanSequence(
  config: WanConfig,
  shape: ChunkShape,
  options: CausalWanSequenceOptions,
): Graph {
  const { teacherForcing = false, attention, dtype } = options;
  return wanSequence(config, shape, {
    name: "causal_wan_sequence",
    plan: blockCausalPlan(shape.frames, options),
    timePerFrame: true,
    clean: teacherForcing,
    attention,
    dtype,
  });
}

/**
 * Who attends to whom in a clip of `frames` latent frames. With teacher forcing frames 0 … F − 1 are clean
 * and F … 2F − 1 noisy.
 */
export function blockCausalPlan(frames: number, options: BlockCausalOptions): AttentionSpan[] {
  const { window = 0, teacherForcing = false } = options;
  const chunks = chunksOf(frames, options);
  const seenFrom = (end: number) => window === 0 ? 0 : Math.max(0, end - window);
  const plain = chunks.map(([start, end]) => ({
    queries: [start, end] as const,
    keys: [[seenFrom(end), end] as const],
  }));
  if (!teacherForcing) return plain;
  const noisy = chunks.map(([start, end]) => {
    const own = [frames + start, frames + end] as const;
    const past = [seenFrom(end), start] as const;
    return { queries: own, keys: past[0] < past[1] ? [past, own] : [own] };
  });
  return [...plain, ...noisy];
}

function chunksOf(frames: number, options: BlockCausalOptions): FrameRange[] {
  const { chunk, independentFirstFrame = false, window = 0 } = options;
  const first = independentFirstFrame ? 1 : 0;
  if (chunk < 1 || frames <= first || (frames - first) % chunk !== 0) {
    throw new RangeError(
      `cannot cut a clip of ${frames} latent frames into chunks of ${chunk}${
        first ? " behind a first frame" : ""
      }: expected a multiple${first ? " and one" : ""}`,
    );
  }
  if (window !== 0 && window < chunk) {
    throw new RangeError(
      `cannot let chunks of ${chunk} latent frames see ${window}: a chunk sees itself, so expected at least ${chunk}, or 0 for all`,
    );
  }
  const ranges: FrameRange[] = independentFirstFrame ? [[0, 1]] : [];
  for (let start = first; start < frames; start += chunk) ranges.push([start, start + chunk]);
  return ranges;
}
