/** The chunked causal rollout: chunk after chunk, each made in a few passes and then remembered. */

import {
  checkRunLength,
  type ChunkPlan,
  placeChunk,
  planChunks,
  type RunLength,
} from "./chunks.ts";
import type { FewStepPass } from "./few_step.ts";
import type { RolloutNoise } from "./noise.ts";
import { NoiseAhead } from "./_noise_ahead.ts";
import type { RolloutPass } from "./pass.ts";
import { type FinishedChunk, keepRecent, replaceRecent } from "./recent.ts";

/**
 * A causal network with its KV cache and the latents of one chunk, both kept where it computes.
 * `Latents` is what it hands out.
 */
export interface CausalModel<Latents = Float32Array, Pass extends RolloutPass = FewStepPass> {
  /** Takes noise, or latents that are given or finished, as the latents of a new chunk. */
  begin(chunk: ChunkPlan, latents: Float32Array | Latents): Promise<void> | void;
  /**
   * Runs the network on the chunk, writing the chunk's keys and values to its slots, and takes the
   * latents one pass further: in the few-step sampler to `(1 − nextSigma) x0 + nextSigma noise`,
   * `x0 = latents − sigma flow`; to `x0` where there is no noise.
   */
  denoise(
    chunk: ChunkPlan,
    pass: Pass,
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
  /** How many frames it has, at least 1. */
  readonly frames: number;
  /** `[frames, channels, height, width]` in latent pixels, as the model hands them out. */
  readonly latents: Latents;
  /** Whether it is the last of a run of known length. */
  readonly last: boolean;
}

/** Progress: a pass over a chunk is done. */
export interface RolloutStep {
  /** Index of the chunk, from 0. */
  readonly chunk: number;
  /** How many passes are done, from 1. */
  readonly step: number;
  /** Passes in all. */
  readonly steps: number;
}

/** Options of a rollout. */
export interface RolloutOptions<Pass extends RolloutPass = FewStepPass> extends RunLength {
  /** What is done with every chunk, in order; at least one. */
  readonly passes: readonly Pass[];
  /**
   * Draws the noise that chunks begin with, and that passes add: the next of it while the network computes, where it can
   * be made ahead.
   */
  readonly noise: RolloutNoise;
  /**
   * The first `givenFrames` frames, one after the other: handed out as they are, after a pass at
   * timestep 0 for the cache. Noise is asked for the other frames alone.
   */
  readonly given?: Float32Array;
  /** Timestep at which finished chunks are run once more for the cache; default 0. */
  readonly contextNoise?: number;
  /** Aborted: the rollout rejects with its reason, at most one pass later. */
  readonly signal?: AbortSignal;
  /** Called after each pass over a chunk, but not after those for the cache alone. */
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
  /**
   * Asked before each chunk but the first, after `proceed`: whether the cache is to be filled anew
   * after `prepare`. The chunks of which it holds a frame are then run once more, oldest first, each
   * seeing those before it: a pass each, in place of the one that remembers the chunk before. Where this is
   * given, the latents of a window are kept, so whoever takes a chunk must not write to it.
   */
  readonly recache?: (chunk: ChunkPlan) => Promise<boolean> | boolean;
}

/**
 * Makes the chunks of a run. A chunk is handed out before the pass that puts it into the cache,
 * which runs when the next chunk is asked for: the consumer has it a pass earlier, and a run that
 * nobody continues costs none.
 *
 * Throws a RangeError at once where the sizes do not fit; the generator rejects with what the model
 * throws.
 */
export function rollout<Latents, Pass extends RolloutPass = FewStepPass>(
  model: CausalModel<Latents, Pass>,
  options: RolloutOptions<Pass>,
): AsyncGenerator<RolloutChunk<Latents>, void, void> {
  checkRunLength(options);
  if (options.passes.length === 0) {
    throw new RangeError("cannot roll out in no passes: expected at least one");
  }
  const { given, givenFrames = 0 } = options;
  if (givenFrames === 0 ? given !== undefined : !given || given.length % givenFrames !== 0) {
    throw new TypeError(
      `cannot begin with ${givenFrames} given latent frames: expected values for as many, ` +
        `got ${given?.length ?? "none"}`,
    );
  }
  return chunks(model, options);
}

async function* chunks<Latents, Pass extends RolloutPass>(
  model: CausalModel<Latents, Pass>,
  options: RolloutOptions<Pass>,
): AsyncGenerator<RolloutChunk<Latents>, void, void> {
  const { passes, signal, onStep, proceed, prepare, recache } = options;
  let before: ChunkPlan | undefined;
  let recent: FinishedChunk<Latents>[] = [];
  let forgotten = 0;
  const noise = new NoiseAhead(options.noise, options, passes);
  const remember = (chunk: ChunkPlan) =>
    noise.during(model.remember(chunk, chunk.given ? 0 : options.contextNoise ?? 0));
  for (const planned of planChunks(options)) {
    signal?.throwIfAborted();
    if (await proceed?.(planned) === "stop") return;
    signal?.throwIfAborted();
    const anew = before !== undefined && await recache?.(planned) === true;
    if (before !== undefined && !anew) await remember(before);
    await prepare?.(planned);
    if (anew) {
      ({ chunks: recent, forgotten } = replaceRecent(recent, options));
      for (const { chunk, latents } of recent) {
        signal?.throwIfAborted();
        await model.begin(chunk, latents);
        await remember(chunk);
      }
    }
    signal?.throwIfAborted();
    const chunk = forgotten === 0 ? planned : placeChunk(planned, options, forgotten);
    await model.begin(chunk, chunk.given ? givenTo(chunk, options) : noise.take());
    for (const pass of chunk.given ? [] : passes) {
      signal?.throwIfAborted();
      const mixed = pass.renoise === undefined ? undefined : noise.take();
      await noise.during(model.denoise(chunk, pass, mixed));
      onStep?.({ chunk: chunk.index, step: pass.index + 1, steps: passes.length });
    }
    signal?.throwIfAborted();
    const { index, frame, frames, last } = chunk;
    const latents = await model.latents(chunk);
    yield { index, frame, frames, latents, last };
    if (recache) recent = keepRecent(recent, { chunk, latents }, options);
    before = chunk;
  }
}

function givenTo({ frame, frames }: ChunkPlan, options: RunLength & { given?: Float32Array }) {
  const size = options.given!.length / options.givenFrames!;
  return options.given!.slice(frame * size, (frame + frames) * size);
}
