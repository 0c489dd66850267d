/** Pictures as text: each character shows two pixels, one above the other. */

/** A picture in RGB bytes, row by row. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Widest picture drawn, in characters; a wider one costs more than it shows. */
const WIDEST = 120;

/**
 * Pixels that a picture gets in a terminal of so many columns and lines: as many as fit, its
 * proportions kept, never more than it has; the height is even.
 */
export function fit(
  { width, height }: Picture,
  columns: number,
  lines: number,
): { width: number; height: number } {
  const scale = Math.min(1, Math.min(columns, WIDEST) / width, 2 * lines / height);
  return {
    width: Math.max(1, Math.floor(width * scale)),
    height: Math.max(2, 2 * Math.floor(height * scale / 2)),
  };
}

/** A picture made smaller; each pixel is the mean of those it stands for. */
export function shrink(picture: Picture, width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = span(y, height, picture.height);
    for (let x = 0; x < width; x++) {
      const [left, right] = span(x, width, picture.width);
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) {
            sum += picture.data[(row * picture.width + column) * 3 + channel] ?? 0;
          }
        }
        const count = (bottom - top) * (right - left);
        data[(y * width + x) * 3 + channel] = Math.round(sum / count);
      }
    }
  }
  return { data, width, height };
}

/** The pixels of `from` that pixel `at` of `to` stands for: at least one. */
function span(at: number, to: number, from: number): [start: number, end: number] {
  const start = Math.min(from - 1, Math.floor(at * from / to));
  return [start, Math.max(start + 1, Math.floor((at + 1) * from / to))];
}

/**
 * Lines of upper half blocks: the upper pixel is the character's colour, the lower one its
 * background. A colour is written where it changes; each line ends with a reset.
 */
export function halfBlocks({ data, width, height }: Picture): string[] {
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = "";
    let upper = "";
    let lower = "";
    for (let x = 0; x < width; x++) {
      const above = `\x1b[38;2;${colour(data, y * width + x)}m`;
      const below = y + 1 < height ? `\x1b[48;2;${colour(data, (y + 1) * width + x)}m` : "";
      if (above !== upper) line += upper = above;
      if (below !== lower) line += lower = below;
      line += "▀";
    }
    lines.push(`${line}\x1b[0m`);
  }
  return lines;
}

function colour(data: Uint8Array, pixel: number): string {
  return `${data[pixel * 3]};${data[pixel * 3 + 1]};${data[pixel * 3 + 2]}`;
}
