/** What the networks are told about time and place: tables made in double precision, given as float32. */

/** Base of both kinds of frequency, as in wan/modules/model.py. */
const THETA = 10000;

/**
 * Sinusoidal embedding of a timestep: cosines, then sines, of t · 10000^(−k / half).
 *
 * @param timestep 0 … 1000
 * @param channels even
 * @returns `[channels]`
 */
export function timestepSinusoid(timestep: number, channels: number): Float32Array<ArrayBuffer> {
  const half = channels / 2;
  const result = new Float32Array(channels);
  for (let k = 0; k < half; k++) {
    const angle = timestep * THETA ** (-k / half);
    result[k] = Math.cos(angle);
    result[half + k] = Math.sin(angle);
  }
  return result;
}

/** A block of tokens in the grid of frames, rows and columns. */
export interface TokenGrid {
  /** Number of the first latent frame in the run; keeps growing in an endless run. */
  readonly firstFrame: number;
  /** Latent frames. */
  readonly frames: number;
  /** Rows of tokens: latent rows / 2. */
  readonly rows: number;
  /** Columns of tokens: latent columns / 2. */
  readonly columns: number;
}

/** Cosines and sines by which the pairs of each head turn, `[frames · rows · columns, headDim / 2]` each. */
export interface RotaryTables {
  /** Cosines of the angles. */
  readonly cos: Float32Array<ArrayBuffer>;
  /** Their sines. */
  readonly sin: Float32Array<ArrayBuffer>;
}

/**
 * Rotary positions of every token. Of a head's pairs the first turn with the frame, then a third with the
 * row and a third with the column (wan/modules/model.py, rope_apply).
 */
export function rotaryTables(grid: TokenGrid, headDim: number): RotaryTables {
  const pairs = headDim / 2;
  const third = Math.floor(pairs / 3);
  const axes = [pairs - 2 * third, third, third];
  const { frames, rows, columns, firstFrame } = grid;
  const cos = new Float32Array(frames * rows * columns * pairs);
  const sin = new Float32Array(cos.length);
  const frequencies = axes.map((n) =>
    Float64Array.from({ length: n }, (_, j) => THETA ** (-j / n))
  );
  let at = 0;
  for (let frame = firstFrame; frame < firstFrame + frames; frame++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const place = [frame, row, column];
        for (let axis = 0; axis < 3; axis++) {
          for (const frequency of frequencies[axis]!) {
            cos[at] = Math.cos(place[axis]! * frequency);
            sin[at++] = Math.sin(place[axis]! * frequency);
          }
        }
      }
    }
  }
  return { cos, sin };
}
