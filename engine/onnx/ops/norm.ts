/** Normalisation, and softmax. */

import type { Value } from "../graph.ts";
import { float } from "../graph.ts";
import { axisOf } from "../dims.ts";
import { expectDims, sameTypes } from "./_check.ts";
import { div, mul } from "./elementwise.ts";

/**
 * (x − mean) / √(variance + eps) · scale + bias over the last axis. Scale and bias may be results of other
 * nodes: that is how a modulated norm costs one operation.
 *
 * @param x `[…, n]`
 * @param scale `[n]`
 * @param bias `[n]`
 */
export function layerNormalization(x: Value, scale: Value, bias: Value, eps = 1e-5): Value {
  sameTypes("LayerNormalization", x, scale, bias);
  expectDims("LayerNormalization", "scale", scale, [x.dims.at(-1)!]);
  expectDims("LayerNormalization", "bias", bias, [x.dims.at(-1)!]);
  return x.graph.node("LayerNormalization", [x, scale, bias], [x], {
    attributes: { axis: -1, epsilon: float(eps) },
  })[0]!;
}

/** x / √(mean of squares + eps) · scale over the last axis, as ONNX Runtime's kernels on every device have it. */
export function rmsNormalization(x: Value, scale: Value, eps = 1e-6): Value {
  sameTypes("SimplifiedLayerNormalization", x, scale);
  expectDims("SimplifiedLayerNormalization", "scale", scale, [x.dims.at(-1)!]);
  return x.graph.node("SimplifiedLayerNormalization", [x, scale], [x], {
    attributes: { axis: -1, epsilon: float(eps) },
  })[0]!;
}

/** x / max(Euclidean length along an axis, eps). */
export function l2Normalization(x: Value, axis: number, eps = 1e-12): Value {
  const { graph } = x;
  const at = axisOf(axis, x.rank, "L2 normalization");
  const dims = x.dims.with(at, 1);
  const spec = [{ dtype: x.dtype, dims }];
  const axes = graph.integers([at]);
  const squared = graph.node("ReduceSum", [mul(x, x), axes], spec, { attributes: { keepdims: 1 } });
  const length = graph.node("Sqrt", [squared[0]!], spec)[0]!;
  return div(x, graph.node("Max", [length, graph.scalar(eps, x.dtype)], spec)[0]!);
}

/**
 * The largest magnitude along an axis, which stays as an axis of 1; never 0, so that it can be divided by.
 *
 * @param tiny what stands for it in a row of zeros
 */
export function largestMagnitude(x: Value, axis: number, tiny = 1e-30): Value {
  const { graph } = x;
  const at = axisOf(axis, x.rank, "largest magnitude");
  const spec = [{ dtype: x.dtype, dims: x.dims.with(at, 1) }];
  const magnitudes = graph.node("Abs", [x], [x])[0]!;
  const largest = graph.node("ReduceMax", [magnitudes, graph.integers([at])], spec, {
    attributes: { keepdims: 1 },
  })[0]!;
  return graph.node("Max", [largest, graph.scalar(tiny, x.dtype)], spec)[0]!;
}

/** exp(x) over its sum along one axis. */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.node("Softmax", [x], [x], { attributes: { axis } })[0]!;
}
