/** Convolution and resizing of pictures, `[N, C, height, width]`. */

import type { Value } from "../graph.ts";
import { expectDims, expectRank, fail, sameTypes } from "./_check.ts";

/** How `conv` moves over the picture. */
export interface ConvOptions {
  /** Steps of the kernel, both ways. */
  readonly stride?: number;
  /** Zeros added on every side. */
  readonly padding?: number;
}

/**
 * 2-D convolution.
 *
 * @param x `[N, in, height, width]`
 * @param w `[out, in, kernel, kernel]`
 * @param b `[out]`
 */
export function conv(
  x: Value,
  w: Value,
  b?: Value,
  { stride = 1, padding = 0 }: ConvOptions = {},
): Value {
  sameTypes("Conv", x, w, b);
  expectRank("Conv", x, 4);
  expectRank("Conv", w, 4);
  const [batch, channels, height, width] = x.dims as number[];
  const [out, expected, kernel] = w.dims as number[];
  if (channels !== expected) fail("Conv", "expected x [N, in, …] and w [out, in, …]", [x, w]);
  if (b) expectDims("Conv", "bias", b, [out!]);
  const size = (from: number) => Math.floor((from + 2 * padding - kernel!) / stride) + 1;
  const dims = [batch!, out!, size(height!), size(width!)];
  return x.graph.node("Conv", b ? [x, w, b] : [x, w], [{ dtype: x.dtype, dims }], {
    attributes: {
      kernel_shape: [kernel!, kernel!],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    },
  })[0]!;
}

/** Every pixel repeated `factor` times both ways: nearest-neighbour enlargement. */
export function upsampleNearest(x: Value, factor: number): Value {
  expectRank("Resize", x, 4);
  const [batch, channels, height, width] = x.dims as number[];
  const scales = x.graph.constant("float32", [4], new Float32Array([1, 1, factor, factor]));
  const dims = [batch!, channels!, height! * factor, width! * factor];
  return x.graph.node("Resize", [x, undefined, scales], [{ dtype: x.dtype, dims }], {
    attributes: {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    },
  })[0]!;
}
