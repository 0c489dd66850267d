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
  /** Whether its latents are given, not made. */
  readonly given: boolean;
  /** Whether the run ends with it; never in an endless run. */
  readonly last: boolean;
  /** Where its keys and values go, in every pass. */
  readonly slots: readonly CacheSegment[];
  /** Frames of the cache that it sees, itself included: a prefix. */
  readonly visible: number;
}

/** How long a run is, and its cache. */
export interface RunLength extends CacheWindow {
  /** Latent frames in all, the given ones included, in whole chunks; 0 for an endless run. */
  readonly latentFrames: number;
  /** Whether the first frame is a chunk of its own, before those of `chunk` frames; default false. */
  readonly independentFirstFrame?: boolean;
  /** Latent frames at the beginning that are given, in whole chunks; default 0. */
  readonly givenFrames?: number;
}

/** Throws a RangeError, with the nearest that would do, where the sizes do not fit together. */
export function checkRunLength(run: RunLength): void {
  checkWindow(run);
  const { latentFrames, givenFrames = 0 } = run;
  if (!Number.isSafeInteger(latentFrames) || latentFrames < 0) {
    throw new RangeError(
      `cannot make ${latentFrames} latent frames: expected a whole number from 0 (endless)`,
    );
  }
  checkWhole(latentFrames, run, `make ${latentFrames} latent frames`);
  if (!Number.isSafeInteger(givenFrames) || givenFrames < 0) {
    throw new RangeError(
      `cannot begin with ${givenFrames} given latent frames: expected a whole number from 0`,
    );
  }
  checkWhole(givenFrames, run, `begin with ${givenFrames} given latent frames`);
  if (latentFrames !== 0 && givenFrames >= latentFrames) {
    throw new RangeError(
      `cannot make ${latentFrames} latent frames of which ${givenFrames} are given: ` +
        `expected at least one chunk more, ${givenFrames + chunkFrames(run, givenFrames)} in all`,
    );
  }
}

/** How many frames the chunk has that begins at a frame. */
function chunkFrames({ chunk, independentFirstFrame = false }: RunLength, frame: number): number {
  return independentFirstFrame && frame === 0 ? 1 : chunk;
}

function checkWhole(frames: number, run: RunLength, what: string): void {
  const { chunk, independentFirstFrame = false } = run;
  const first = independentFirstFrame && frames > 0 ? 1 : 0;
  const over = (frames - first) % chunk;
  if (over === 0) return;
  const below = frames - over;
  throw new RangeError(
    `cannot ${what} in ${first ? "a first chunk of 1 and " : ""}chunks of ${chunk}: expected ` +
      `${first ? "1 and " : ""}a multiple of ${chunk}, ` +
      `such as ${below > 0 ? `${below} or ` : ""}${below + chunk}`,
  );
}

/** The chunks of a run, one after the other; without end where the run has none. */
export function* planChunks(run: RunLength): Generator<ChunkPlan, void, void> {
  checkRunLength(run);
  const { latentFrames, givenFrames = 0 } = run;
  let frame = 0;
  for (let index = 0; latentFrames === 0 || frame < latentFrames; index++) {
    const frames = chunkFrames(run, frame);
    const given = frame < givenFrames;
    const last = frame + frames === latentFrames;
    yield { index, frame, frames, given, last, ...place(frame, frames, run) };
    frame += frames;
  }
}

/**
 * A chunk in a cache that was filled anew: its places as if `forgotten` of the frames before it had
 * never been. Positions stay.
 */
export function placeChunk(chunk: ChunkPlan, window: CacheWindow, forgotten: number): ChunkPlan {
  return { ...chunk, ...place(chunk.frame - forgotten, chunk.frames, window) };
}

function place(first: number, frames: number, window: CacheWindow) {
  return {
    slots: cacheSlots(first, frames, window),
    visible: visible(first + frames, window),
  };
}
