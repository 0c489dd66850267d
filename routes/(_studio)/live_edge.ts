/** Where a player of a stream that grows should be. Times are in seconds of the video. */

/** A stretch of the stream that is here. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a player knows. */
export interface Playback {
  readonly time: number;
  /** In order, apart from one another. */
  readonly ranges: readonly Range[];
  /** Whether to stay near the newest picture; else everything is shown, however late. */
  readonly following: boolean;
}

/** What a player should do. */
export interface Correction {
  /** Where to go on from, if not from here. */
  readonly seek?: number;
  /** Speed of playing; 1 is that of the video. */
  readonly rate: number;
}

/** Behind the newest picture by more than this, a player that follows leaps. */
const LEAP = 6;

/** Behind by more than this, it hurries. */
const HURRY = 2.5;

/** Where it leaps to, before the newest picture. */
const MARGIN = 1;

/** Speed of hurrying: not seen in pictures without sound. */
const FASTER = 1.12;

/** Distances below this are rounding of timestamps. */
const CLOSE = 0.1;

/** What keeps a player going: over gaps that dropped segments left, and near the newest picture. */
export function followEdge({ time, ranges, following }: Playback): Correction {
  const last = ranges.at(-1);
  if (last === undefined) return { rate: 1 };
  const here = ranges.find(({ start, end }) => time >= start - CLOSE && time < end - CLOSE);
  const next = ranges.find(({ start }) => start > time);
  if (here === undefined && next !== undefined) {
    return { seek: following ? Math.max(next.start, last.end - LEAP) : next.start, rate: 1 };
  }
  // Right before a range's start nothing can be shown.
  if (here !== undefined && time < here.start) return { seek: here.start, rate: 1 };
  if (!following) return { rate: 1 };
  const lag = last.end - time;
  if (lag > LEAP) return { seek: Math.max(last.start, last.end - MARGIN), rate: 1 };
  return { rate: lag > HURRY ? FASTER : 1 };
}

/** Seconds played already that stay in memory, to go back to. */
const KEPT = 60;

/** What to let go of from a stream without end, if it is worth the work. */
export function evictable(time: number, ranges: readonly Range[]): Range | undefined {
  const start = ranges[0]?.start;
  const end = time - KEPT;
  return start !== undefined && end - start > KEPT / 2 ? { start, end } : undefined;
}

/** How a browser can show a stream. */
export type StreamMode = "source" | "direct" | "wait";

/**
 * `source`: fed piece by piece, which can leap. `direct`: by its address, from where it was joined. `wait`:
 * only once it is finished, if then.
 */
export function chooseMode(
  type: string,
  can: {
    readonly source: (type: string) => boolean;
    readonly direct: (type: string) => string;
  },
): StreamMode {
  if (can.source(type)) return "source";
  return can.direct(type) === "" ? "wait" : "direct";
}
