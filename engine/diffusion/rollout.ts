/** The chunked causal rollout: chunk after chunk, each made in a few passes and then remembered. */

import { checkRunLength, type ChunkPlan, planChunks, type RunLength } from "./chunks.ts";
import type { FewStepPass } from "./few_step.ts";
import type { RolloutNoise } from "./noise.ts";

/**
 * A causal network with its KV cache and the latents of one chunk, both kept where it computes.
 * `Latents` is what it hands out.
 */
export interface CausalModel<Latents = Float32Array> {
  /** Takes noise as the latents of a new chunk. */
  begin(chunk: ChunkPlan, noise: Float32Array): Promise<void> | void;
  /**
   * Runs the network on the chunk at `pass.timestep`, writing the chunk's keys and values to its
   * slots, and replaces the latents by `(1 − nextSigma) x0 + nextSigma noise`, `x0 = latents −
   * sigma flow`; by `x0` where there is no noise.
   */
  denoise(
    chunk: ChunkPlan,
    pass: FewStepPass,
    noise: Float32Array | undefined,
  ): Promise<void> | void;
  /** The chunk's latents, for the world; the model does not write to what it gave. */
  latents(chunk: ChunkPlan): Promise<Latents> | Latents;
  /** Runs the network on the finished chunk at `timestep` for its keys and values alone. */
  remember(chunk: ChunkPlan, timestep: number): Promise<void> | void;
}

/** A finished chunk. Frames are latent frames. */
export interface RolloutChunk<Latents = Float32Array> {
  /** From 0. */
  readonly index: number;
  /** Its first frame, counted from the run's beginning. */
  readonly frame: number;
  readonly frames: number;
  readonly latents: Latents;
  /** Whether it is the last of a run of known length. */
  readonly last: boolean;
}

/** Progress: a pass over a chunk is done. */
export interface RolloutStep {
  readonly chunk: number;
  /** How many passes are done, from 1. */
  readonly step: number;
  readonly steps: number;
}

/** Options of a rollout. */
export interface RolloutOptions extends RunLength {
  readonly passes: readonly FewStepPass[];
  readonly noise: RolloutNoise;
  /** Timestep at which finished chunks are run once more for the cache; default 0. */
  readonly contextNoise?: number;
  /** Aborted: the rollout rejects with its reason, at most one pass later. */
  readonly signal?: AbortSignal;
  readonly onStep?: (step: RolloutStep) => void;
  /**
   * Asked before each chunk, first of all: may wait (a pause); the run ends before the chunk where
   * it gives `"stop"`, and the chunk before it is then not remembered.
   */
  readonly proceed?: (chunk: ChunkPlan) => Promise<"stop" | void> | "stop" | void;
  /**
   * Called when the chunk before is in the cache and this one not begun: the place to give the
   * model another prompt.
   */
  readonly prepare?: (chunk: ChunkPlan) => Promise<void> | void;
}

/**
 * Makes the chunks of a run. A chunk is handed out before the pass that puts it into the cache,
 * which runs when the next chunk is asked for: the consumer has it a pass earlier, and a run that
 * nobody continues costs none.
 *
 * Throws a RangeError at once where the sizes do not fit; the generator rejects with what the model
 * throws.
 */
export function rollout<Latents>(
  model: CausalModel<Latents>,
  options: RolloutOptions,
): AsyncGenerator<RolloutChunk<Latents>, void, void> {
  checkRunLength(options);
  if (options.passes.length === 0) {
    throw new RangeError("cannot roll out in no passes: expected at least one");
  }
  return chunks(model, options);
}

async function* chunks<Latents>(
  model: CausalModel<Latents>,
  options: RolloutOptions,
): AsyncGenerator<RolloutChunk<Latents>, void, void> {
  const { passes, noise, contextNoise = 0, signal, onStep, proceed, prepare } = options;
  let before: ChunkPlan | undefined;
  for (const chunk of planChunks(options)) {
    signal?.throwIfAborted();
    if (await proceed?.(chunk) === "stop") return;
    signal?.throwIfAborted();
    if (before !== undefined) await model.remember(before, contextNoise);
    await prepare?.(chunk);
    signal?.throwIfAborted();
    await model.begin(chunk, noise.initial(chunk));
    for (const pass of passes) {
      signal?.throwIfAborted();
      const mixed = pass.renoise === undefined ? undefined : noise.renoise(chunk, pass);
      await model.denoise(chunk, pass, mixed);
      onStep?.({ chunk: chunk.index, step: pass.index + 1, steps: passes.length });
    }
    signal?.throwIfAborted();
    const { index, frame, frames, last } = chunk;
    yield { index, frame, frames, latents: await model.latents(chunk), last };
    before = chunk;
  }
}
