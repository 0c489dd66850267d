/**
 * Where latent frames lie in a KV cache of limited length.
 *
 * The cache has `window` slots of one latent frame. The first `sink` frames of a run keep the first
 * slots for good; the others go round in the rest, so that a new frame takes the slot of the
 * oldest. What attention may see is then always a prefix of the cache, and since keys carry their
 * positions, their order does not matter: a chunk that ends before frame E sees frames 0 … E − 1
 * while E ≤ window, afterwards the sink and the last window − sink frames before E, as in the
 * reference (which shifts its cache instead).
 */

/** Sizes in latent frames. */
export interface CacheWindow {
  /** Slots of the cache, the chunk being made and the sink included; from 1. */
  readonly window: number;
  /** Frames at the run's beginning that are never forgotten; from 0. */
  readonly sink: number;
  /** Frames made at once; from 1. */
  readonly chunk: number;
}

/** Consecutive frames in consecutive slots. */
export interface CacheSegment {
  /** First frame, counted from the chunk's first. */
  readonly offset: number;
  /** First slot. */
  readonly slot: number;
  /** How many. */
  readonly frames: number;
}

/** Throws a RangeError, with the numbers and the way out, where the sizes cannot work together. */
export function checkWindow({ window, sink, chunk }: CacheWindow): void {
  checkCount("window", window, 1);
  checkCount("sink", sink, 0);
  checkCount("chunk", chunk, 1);
  if (chunk > window) {
    throw new RangeError(
      `cannot make chunks of ${chunk} latent frames in a window of ${window}, for a chunk must see itself: ` +
        `expected chunk ≤ window, got ${chunk} > ${window}; use a window of at least ${chunk} or a smaller chunk`,
    );
  }
  if (sink + chunk > window) {
    throw new RangeError(
      `cannot keep a sink of ${sink} latent frames and a chunk of ${chunk} in a window of ${window}: ` +
        `expected sink + chunk ≤ window, got ${
          sink + chunk
        } > ${window}; use a window of at least ` +
        `${sink + chunk}, or a sink of at most ${window - chunk}`,
    );
  }
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(
      `cannot use a ${name} of ${value} latent frames: expected a whole number from ${least}`,
    );
  }
}

/** The slot of a frame, counted from the run's beginning. */
export function slotOf(frame: number, { window, sink }: Omit<CacheWindow, "chunk">): number {
  return frame < sink ? frame : sink + (frame - sink) % (window - sink);
}

/**
 * The slots of `frames` frames from `first` on, in as few segments as they make: two where they
 * wrap.
 */
export function cacheSlots(first: number, frames: number, window: CacheWindow): CacheSegment[] {
  const segments: { offset: number; slot: number; frames: number }[] = [];
  for (let offset = 0; offset < frames; offset++) {
    const slot = slotOf(first + offset, window);
    const last = segments.at(-1);
    if (last !== undefined && last.slot + last.frames === slot) last.frames++;
    else segments.push({ offset, slot, frames: 1 });
  }
  return segments;
}

/**
 * How many slots hold something once `end` frames have been written: the prefix that attention
 * sees.
 */
export function visible(end: number, { window }: Pick<CacheWindow, "window">): number {
  return Math.min(end, window);
}

/** The frames that a chunk ending before frame `end` sees, oldest first. */
export function visibleFrames(end: number, { window, sink }: Omit<CacheWindow, "chunk">): number[] {
  const all = Array.from({ length: visible(end, { window }) }, (_, i) => i);
  return end <= window ? all : all.map((i) => i < sink ? i : end - window + i);
}
