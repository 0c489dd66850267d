/**
 * Float32 islands in networks that compute in 16 bits: what sums many values, what grows from layer to layer, and
 * what is so small that float16 has no number for it. In a float32 graph nothing here adds a node.
 *
 * Sums inside a product are the device's. ONNX Runtime's CUDA kernels take them in float32, its WebGPU shaders in
 * float16: some 6e-3 of the flow over four layers of Wan2.1-1.3B's widths, where bfloat16 throughout, in which the
 * reference runs, costs 8e-3, and float32 sums 3e-4 (random weights, 16 tokens, reckoned in numpy).
 */

import { cast, type Value } from "../onnx/mod.ts";

/**
 * Element type that a network computes in. With `float16` parts of it stay in float32, which each network says; what
 * goes in and comes out is float32 either way, but for keys, values and memories that are only handed on.
 */
export type Precision = "float32" | "float16";

/** Enters an island: the same values in float32. */
export function inFloat32(x: Value): Value {
  return cast(x, "float32");
}

/** Leaves an island: the same values in the type that the graph computes in. */
export function inGraphType(x: Value): Value {
  return cast(x, x.graph.dtype);
}
