/** Pictures as they are meant to be seen: cameras store them as the sensor lay, and how to turn them beside. */

import type { Frame } from "node-av/lib";
import { AV_FRAME_DATA_DISPLAYMATRIX } from "node-av/constants";

/** How a stored picture becomes what is meant: its axes change places first, then they are reversed. */
export interface Turn {
  /** Whether stored columns become rows. */
  readonly transposed: boolean;
  /** Whether what is on the left belongs on the right, once the axes are in place. */
  readonly mirrored: boolean;
  /** Whether what is at the top belongs at the bottom, once the axes are in place. */
  readonly flipped: boolean;
}

/** Height and width of a picture, in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Bytes of a display matrix: nine whole numbers in the machine's order. */
const MATRIX_BYTES = 36;

/**
 * How a decoded picture is to be turned: what EXIF's orientation says, or a video's display matrix. An angle that is
 * no quarter turn is taken for the nearest.
 */
export function turnOf(frame: Frame): Turn {
  const data = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  if (!data || data.length < MATRIX_BYTES) {
    return { transposed: false, mirrored: false, flipped: false };
  }
  // A stored place (x, y) is shown at (a x + c y, b x + d y); in the third column is what a projection would need.
  const [a = 0, b = 0, , c = 0, d = 0] = new Int32Array(Uint8Array.from(data).buffer, 0, 5);
  const transposed = Math.abs(b) + Math.abs(c) > Math.abs(a) + Math.abs(d);
  return transposed
    ? { transposed, mirrored: c < 0, flipped: b < 0 }
    : { transposed, mirrored: a < 0, flipped: d < 0 };
}

/** The size that a picture of this size has when it is turned; its own inverse. */
export function turnedSize({ height, width }: Size, { transposed }: Turn): Size {
  return transposed ? { height: width, width: height } : { height, width };
}

/**
 * Takes the middle out of a picture and turns it.
 *
 * @param pixels RGB bytes `[height, width, 3]`
 * @param from the picture's size as it is stored
 * @param wanted the middle's size when it is turned, no larger than the picture's
 */
export function turnedMiddle(
  pixels: Uint8Array,
  from: Size,
  wanted: Size,
  turn: Turn,
): Uint8Array {
  const shown = turnedSize(from, turn);
  const left = Math.floor((shown.width - wanted.width) / 2);
  const top = Math.floor((shown.height - wanted.height) / 2);
  const middle = new Uint8Array(wanted.height * wanted.width * 3);
  let at = 0;
  for (let row = 0; row < wanted.height; row++) {
    const down = turn.flipped ? shown.height - 1 - top - row : top + row;
    for (let column = 0; column < wanted.width; column++) {
      const across = turn.mirrored ? shown.width - 1 - left - column : left + column;
      const [x, y] = turn.transposed ? [down, across] : [across, down];
      const pixel = (y * from.width + x) * 3;
      middle[at++] = pixels[pixel]!;
      middle[at++] = pixels[pixel + 1]!;
      middle[at++] = pixels[pixel + 2]!;
    }
  }
  return middle;
}
