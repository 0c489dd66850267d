import type { Frames, Media } from "../../pipeline/data.ts";

/** Where a run's pictures go: one object a run and form of media. */
export interface Output extends AsyncDisposable {
  /** Takes a chunk, all of one size; gives the parts that are ready. */
  write(frames: Frames): Promise<Media[]>;
  /** Completes what was written and gives the parts that remain. Nothing may follow. */
  finish(): Promise<Media[]>;
  /** Frees everything; unless finished, also removes what was written. Safe to repeat. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** One picture of a chunk, RGB bytes, without a copy. */
export function pictureOf(frames: Frames, index: number): Uint8Array {
  const [, height, width, channels] = frames.shape;
  const size = height * width * channels;
  return frames.data.subarray(index * size, (index + 1) * size);
}
