/** Rows of numbers as whole numbers of few bits and scales. */

import type { HostTensor } from "../tensor/mod.ts";

/** Element types that rows are read from. */
export type StoredFloat = "float32" | "float16" | "bfloat16";

/** Copies elements as float32. */
export type Widen = (to: Float32Array, from: number, count: number) => void;

/** A way to read a tensor's elements as float32, a few at a time. */
export function widening({ dtype, data }: HostTensor<StoredFloat>): Widen {
  if (dtype === "bfloat16") {
    const stored = data as Uint16Array;
    return (to, from, count) => {
      const bits = new Int32Array(to.buffer, to.byteOffset, count);
      for (let i = 0; i < count; i++) bits[i] = stored[from + i]! << 16;
    };
  }
  return (to, from, count) => to.set(data.subarray(from, from + count));
}

/** What the numbers become. */
export interface Levels {
  /** `[blocks · block · bits / 8]` of a row, one row after another. */
  readonly data: Uint8Array;
  /** One a block. */
  readonly scales: Float32Array | Float16Array;
}

/** Where in the result a row goes. */
export interface Place {
  /** First byte. */
  readonly at: number;
  /** First scale. */
  readonly scale: number;
}

/** Bits of a float32 that is not finite, without its sign, and all above. */
const NOT_FINITE = 0x7f800000;

/**
 * Quantizes a row by blocks. The element of a block that is largest in size becomes the lowest whole number, so that
 * all numbers of the bits are in use; its counterpart of the other sign may be cut off by up to one step.
 *
 * @param row as float32, a whole number of blocks
 * @returns the first element that is not finite, or -1
 */
export function quantizeRow(
  row: Float32Array,
  block: number,
  bits: 4 | 8,
  { data, scales }: Levels,
  { at, scale }: Place,
): number {
  const sizes = new Int32Array(row.buffer, row.byteOffset, row.length);
  const half = 2 ** (bits - 1);
  const smallest = scales instanceof Float16Array ? 2 ** -24 : 2 ** -149;
  for (let begin = 0; begin < row.length; begin += block) {
    const end = begin + block;
    // Without their signs the bits of floats are in the order of their sizes; NaN is above all.
    let most = 0;
    for (let i = begin; i < end; i++) most = Math.max(most, sizes[i]! & 0x7fffffff);
    let largest = begin;
    while ((sizes[largest]! & 0x7fffffff) !== most) largest++;
    if (most >= NOT_FINITE) return largest;
    const top = row[largest]!;
    scales[scale] = top / -half;
    // Near the smallest numbers a scale may be rounded down so far that the largest value is out of its reach.
    if (Math.abs(top) > (half + 0.5) * Math.abs(scales[scale]!)) {
      scales[scale]! -= Math.sign(top) * smallest;
    }
    // By the scale as it is stored. In double precision: 1 / smallest is finite.
    const factor = most > 0 ? 1 / scales[scale]! : 0;
    scale++;
    if (bits === 8) eight(row, begin, end, factor, data, at + begin);
    else four(row, begin, end, factor, data, at + begin / 2);
  }
  return -1;
}

/** Nearest whole numbers around 128, halves upwards. None is below 0: that is what the largest element becomes. */
function eight(
  row: Float32Array,
  begin: number,
  end: number,
  factor: number,
  data: Uint8Array,
  at: number,
): void {
  for (let i = begin; i < end; i++) {
    data[at++] = Math.min(row[i]! * factor + 128.5 | 0, 255);
  }
}

/** The same around 8, two in a byte, the first in the low half. */
function four(
  row: Float32Array,
  begin: number,
  end: number,
  factor: number,
  data: Uint8Array,
  at: number,
): void {
  for (let i = begin; i < end; i += 2) {
    const low = Math.min(row[i]! * factor + 8.5 | 0, 15);
    const high = Math.min(row[i + 1]! * factor + 8.5 | 0, 15);
    data[at++] = low | high << 4;
  }
}
