/**
 * Seeded noise: the same values for the same seed on every machine, whatever device runs the
 * network.
 */

import { Mt19937Noise } from "./mt19937.ts";
import { type PhiloxLayout, PhiloxNoise } from "./philox.ts";
import type { ChunkPlan } from "./chunks.ts";
import type { Draft, Draw } from "./draft.ts";
import type { RolloutPass } from "./pass.ts";

/** A stream of normal values; each draw goes on where the last one ended. */
export interface NormalSource {
  /** The next draw: `count` values of mean 0 and variance 1. */
  normal(count: number): Float32Array;
  /**
   * The next draw, with the values of `normal`, to be made in parts and later: draws that follow do not wait for it. A
   * source whose values come one out of the other has none.
   */
  draw?(count: number): Draw;
}

/** `philox` draws as PyTorch does on CUDA, `mt19937` as it does on a CPU. */
export type NoiseKind = "philox" | "mt19937";

/**
 * A generator at its beginning.
 *
 * @param seed whole, 0 … 2^53 − 1; a bigint up to 2^64 − 1. `mt19937` knows its lower 32 bits
 *   alone.
 * @param layout the GPU whose order of values `philox` follows; an H100's if left out
 */
export function normalSource(
  kind: NoiseKind,
  seed: number | bigint,
  layout?: PhiloxLayout,
): NormalSource {
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!whole || seed < 0 || BigInt(seed) >= 1n << 64n) {
    throw new RangeError(
      `cannot seed the noise: expected a whole number from 0 to 2^53 − 1, got ${seed}`,
    );
  }
  return kind === "philox" ? new PhiloxNoise(seed, layout) : new Mt19937Noise(seed);
}

/** The noise of a rollout, asked for in the order in which it is needed. */
export interface RolloutNoise {
  /** What a chunk begins with. */
  initial(chunk: ChunkPlan): Float32Array;
  /** What is mixed into a chunk after a pass that is not its last. */
  renoise(chunk: ChunkPlan, pass: RolloutPass): Float32Array;
  /**
   * What `renoise`, or without a pass `initial`, would give, to be made while something else is waited for. A rollout asks
   * for all of its noise in this way where it can, in the same order, and for some that it may never need.
   */
  draft?(chunk: ChunkPlan, pass?: RolloutPass): Draft;
}

/**
 * Draws a rollout's noise from one source in the order of the reference: for a run of known length
 * all that the chunks begin with in one draw of `[frames, …]`, then the rest pass by pass; for an
 * endless run chunk by chunk. Where the source can, the values of the one draw are made chunk by chunk too.
 *
 * @param frameSize values in one latent frame
 * @param latentFrames of the whole run; 0 if it is endless
 * @param givenFrames how many of them, at the beginning, need no noise
 */
export function drawnNoise(
  source: NormalSource,
  frameSize: number,
  latentFrames: number,
  givenFrames = 0,
): RolloutNoise {
  let whole: Draw | undefined;
  const draft = ({ frame, frames }: ChunkPlan, pass?: RolloutPass): Draft => {
    const count = frames * frameSize;
    if (pass !== undefined || latentFrames === 0) return drawFrom(source, count)(0, count);
    whole ??= drawFrom(source, (latentFrames - givenFrames) * frameSize);
    const begin = (frame - givenFrames) * frameSize;
    return whole(begin, begin + count);
  };
  return {
    draft,
    initial: (chunk) => draft(chunk).finish(),
    renoise: (chunk, pass) => draft(chunk, pass).finish(),
  };
}

function drawFrom(source: NormalSource, count: number): Draw {
  if (source.draw) return source.draw(count);
  const values = source.normal(count);
  return (begin, end) => ({ advance: () => false, finish: () => values.subarray(begin, end) });
}
