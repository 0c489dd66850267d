/** Convolution and resizing of pictures, `[N, C, height, width]`. */

import type { Value } from "../graph.ts";
import { expectDims, expectRank, fail, sameTypes } from "./_check.ts";
import { gather, pad, reshape } from "./shape.ts";

/** How `conv` moves over the picture. */
export interface ConvOptions {
  /** Steps of the kernel, both ways. */
  readonly stride?: number;
  /** Zeros added on every side, or at the top, left, bottom and right. */
  readonly padding?: number | readonly [number, number, number, number];
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
  // ONNX Runtime 1.30's WebGPU kernel reads such channels in threes and gives wrong sums
  // (microsoft/onnxruntime#29651): one more, of zeros, has it read them otherwise.
  const inThrees = channels! > 3 && channels! % 3 === 0 && channels! % 4 !== 0;
  if (inThrees && out! % 4 === 0 && kernel! > 1) [x, w] = [pad(x, 1, 0, 1), pad(w, 1, 0, 1)];
  const pads = typeof padding === "number" ? Array<number>(4).fill(padding) : padding;
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const size = (from: number) => Math.floor((from - kernel!) / stride) + 1;
  const dims = [batch!, out!, size(height! + top + bottom), size(width! + left + right)];
  return x.graph.node("Conv", b ? [x, w, b] : [x, w], [{ dtype: x.dtype, dims }], {
    attributes: {
      kernel_shape: [kernel!, kernel!],
      strides: [stride, stride],
      pads,
    },
  })[0]!;
}

/** How `convOverTime` moves over the pictures. */
export interface ConvOverTimeOptions {
  /** Pictures that the kernel sees at once. */
  readonly taps: number;
  /** Pictures from one place of the kernel to the next. */
  readonly timeStride?: number;
  /** Zeros added on every side of a picture. */
  readonly padding?: number;
}

/**
 * 3-D convolution as one 2-D convolution of pictures whose channels hold those before them too, channel by
 * channel: that is the order in which a kernel `[out, in, taps, kernel, kernel]` lies, so no weight is moved.
 * On CPUs it costs what three 2-D convolutions would, and it runs where 3-D convolution has no kernel.
 *
 * @param x `[T, in, height, width]`: time is the batch, and nothing is added before or behind it
 * @param w the 3-D kernel seen as `[out, in · taps, kernel, kernel]`
 * @param b `[out]`
 * @returns `[(T − taps) / timeStride + 1, out, height, width]`
 */
export function convOverTime(
  x: Value,
  w: Value,
  b: Value | undefined,
  { taps, timeStride = 1, padding = 0 }: ConvOverTimeOptions,
): Value {
  expectRank("Conv over time", x, 4);
  const [frames, channels, height, width] = x.dims as [number, number, number, number];
  if (frames < taps) fail("Conv over time", `expected at least ${taps} pictures`, [x, w]);
  const count = Math.floor((frames - taps) / timeStride) + 1;
  // All planes of all pictures' channels are rows of one table: whatever is seen is taken from it in one move. Cut out
  // picture by picture and joined, the same would be read and written twice.
  const rows = Int32Array.from({ length: count * channels * taps }, (_, i) => {
    const picture = Math.floor(i / (channels * taps)) * timeStride + i % taps;
    return picture * channels + Math.floor(i / taps) % channels;
  });
  const planes = reshape(x, [frames * channels, height * width]);
  const seen = gather(planes, x.graph.constant("int32", [count, channels * taps], rows));
  return conv(reshape(seen, [count, channels * taps, height, width]), w, b, { padding });
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
