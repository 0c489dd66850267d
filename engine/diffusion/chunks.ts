/** A run's chunks, planned ahead: what is made when, and where it lies in the cache. */

import { type CacheSegment, cacheSlots, type CacheWindow, checkWindow, visible } from "./ring.ts";

/** One chunk of a run. Frames are latent frames. */
export interface ChunkPlan {
  /** From 0. */
  readonly index: number;
  /** Its first frame, counted from the run's beginning: the position of its keys and queries. */
  readonly frame: number;
  /** How many. */
  readonly frames: number;
  /** Whether the run ends with it; never in an endless run. */
  readonly last: boolean;
  /** Where its keys and values go, in every pass. */
  readonly slots: readonly CacheSegment[];
  /** Frames of the cache that it sees, itself included: a prefix. */
  readonly visible: number;
}

/** How long a run is, and its cache. */
export interface RunLength extends CacheWindow {
  /** Latent frames in all, a multiple of the chunk; 0 for an endless run. */
  readonly latentFrames: number;
}

/** Throws a RangeError, with the nearest that would do, where the sizes do not fit together. */
export function checkRunLength(run: RunLength): void {
  checkWindow(run);
  const { latentFrames, chunk } = run;
  if (!Number.isSafeInteger(latentFrames) || latentFrames < 0) {
    throw new RangeError(
      `cannot make ${latentFrames} latent frames: expected a whole number from 0 (endless)`,
    );
  }
  if (latentFrames % chunk !== 0) {
    const below = latentFrames - latentFrames % chunk;
    throw new RangeError(
      `cannot make ${latentFrames} latent frames in chunks of ${chunk}: expected a multiple of ${chunk}, ` +
        `such as ${below > 0 ? `${below} or ` : ""}${below + chunk}`,
    );
  }
}

/** The chunks of a run, one after the other; without end where the run has none. */
export function* planChunks(run: RunLength): Generator<ChunkPlan, void, void> {
  checkRunLength(run);
  const { latentFrames, chunk } = run;
  for (let index = 0; latentFrames === 0 || index * chunk < latentFrames; index++) {
    const frame = index * chunk;
    const end = frame + chunk;
    yield {
      index,
      frame,
      frames: chunk,
      last: end === latentFrames,
      slots: cacheSlots(frame, chunk, run),
      visible: visible(end, run),
    };
  }
}
