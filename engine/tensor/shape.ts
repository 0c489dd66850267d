/** Shapes: sizes of the axes, outermost first, elements row by row. */

import { bytesPer, type DType } from "./dtype.ts";

/** Sizes of the axes, each a whole number from 0; no axes for a scalar. */
export type Shape = readonly number[];

/**
 * Number of elements; 1 for a scalar. Throws a RangeError where a size is not a whole number from
 * 0, or the product leaves the exact integers.
 */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(
        `cannot count the elements of ${
          formatShape(shape)
        }: expected whole sizes from 0, got ${size}`,
      );
    }
    count *= size;
  }
  if (!Number.isSafeInteger(count)) {
    throw new RangeError(`cannot count the elements of ${formatShape(shape)}: more than 2^53 − 1`);
  }
  return count;
}

/** Size of a dense tensor in bytes. */
export function byteLength(dtype: DType, shape: Shape): number {
  return elementCount(shape) * bytesPer(dtype);
}

/** Whether two shapes are equal, axis by axis. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** A shape as `[1, 2, 3]`, for messages. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(", ")}]`;
}

/** Elements to step over per axis, in a dense row-by-row tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * The shape that all the given ones broadcast to, by the rule of NumPy and ONNX: axes are aligned
 * at the end, and sizes agree or one of them is 1. Throws a TypeError that shows the shapes and the
 * axis.
 */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const shift = rank - shape.length;
    for (const [axis, size] of shape.entries()) {
      const before = result[shift + axis]!;
      if (size === before || size === 1) continue;
      if (before !== 1) {
        throw new TypeError(
          `cannot broadcast ${shapes.map(formatShape).join(" with ")}: expected equal sizes or 1 ` +
            `at axis ${shift + axis - rank}, got ${before} and ${size}`,
        );
      }
      result[shift + axis] = size;
    }
  }
  return result;
}
