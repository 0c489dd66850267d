/**
 * Seeded noise: the same values for the same seed on every machine, whatever device runs the
 * network.
 */

import { Mt19937Noise } from "./mt19937.ts";
import { type PhiloxLayout, PhiloxNoise } from "./philox.ts";
import type { ChunkPlan } from "./chunks.ts";
import type { RolloutPass } from "./pass.ts";

/** A stream of normal values; each draw goes on where the last one ended. */
export interface NormalSource {
  /** The next draw: `count` values of mean 0 and variance 1. */
  normal(count: number): Float32Array;
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
}

/**
 * Draws a rollout's noise from one source in the order of the reference: for a run of known length
 * all that the chunks begin with in one draw of `[frames, …]`, then the rest pass by pass; for an
 * endless run chunk by chunk.
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
  let whole: Float32Array | undefined;
  return {
    initial({ frame, frames }) {
      if (latentFrames === 0) return source.normal(frames * frameSize);
      whole ??= source.normal((latentFrames - givenFrames) * frameSize);
      const first = frame - givenFrames;
      return whole.subarray(first * frameSize, (first + frames) * frameSize);
    },
    renoise: ({ frames }) => source.normal(frames * frameSize),
  };
}
