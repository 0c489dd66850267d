/** What a file would begin a video with: asked before anybody waits for one. */

import { Fitting, framesOf, undecodable, unreadable } from "./read.ts";
import { turnedSize, turnOf } from "./turn.ts";

/** How a file is looked at. */
export interface LookOptions {
  /** What it is said to be, for messages. */
  readonly what: "picture" | "clip";
  /** Longest side of the small picture, in pixels. */
  readonly side: number;
  /** Ends it; then it rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** What is in a file. */
export interface Seen {
  /** Whether one picture is in it, or more. */
  readonly kind: "image" | "video";
  /** Of its pictures as they are meant to be seen, in pixels. */
  readonly width: number;
  /** As `width`. */
  readonly height: number;
  /** How long it says it is; 0 for a picture, and for a clip that does not say. */
  readonly seconds: number;
  /** The first picture, made small: RGB bytes `[height, width, 3]`. */
  readonly small: { readonly width: number; readonly height: number; readonly data: Uint8Array };
}

/**
 * Decodes the beginning of a file.
 *
 * @throws {UserError} where it is no picture and no clip, or one that is too large or too narrow
 */
export async function lookAt(path: string, { what, side, signal }: LookOptions): Promise<Seen> {
  let first: Omit<Seen, "kind"> | undefined;
  for await (const { frame, length } of framesOf(path, what, signal)) {
    if (first !== undefined) return { ...first, kind: "video" };
    const { width, height } = turnedSize(frame, turnOf(frame));
    const scale = Math.min(1, side / Math.max(width, height));
    const fit = (pixels: number) => Math.max(1, Math.round(pixels * scale));
    const size = { width: fit(width), height: fit(height) };
    using fitting = new Fitting(path, { ...size, signal });
    const small = { ...size, data: await fitting.fit(frame) };
    first = { width, height, seconds: length, small };
  }
  if (first === undefined) throw unreadable(path, what, undecodable);
  return { ...first, kind: "image", seconds: 0 };
}
