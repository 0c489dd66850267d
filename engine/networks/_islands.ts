/**
 * Float32 islands in networks that compute in 16 bits: what sums many values, what grows from layer to layer, and
 * what is so small that float16 has no number for it. In a float32 graph nothing here adds a node.
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
