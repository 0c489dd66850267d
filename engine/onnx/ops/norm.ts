/** Normalisation over the last axis, and softmax. */

import type { Value } from "../graph.ts";
import { float } from "../graph.ts";
import { expectDims, sameTypes } from "./_check.ts";

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

/** exp(x) over its sum along one axis. */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.node("Softmax", [x], [x], { attributes: { axis } })[0]!;
}
