/** Operators that work element by element, operands stretched to each other as numpy does. */

import { type DType, onnxTypeOf } from "../../tensor/mod.ts";
import { broadcastDims } from "../dims.ts";
import type { Value } from "../graph.ts";
import { fail, sameTypes } from "./_check.ts";

/** a + b. */
export function add(a: Value, b: Value | number): Value {
  return binary("Add", a, b);
}

/** a − b; one of them is a value. */
export function sub(a: Value | number, b: Value | number): Value {
  return binary("Sub", a, b);
}

/** a · b. */
export function mul(a: Value, b: Value | number): Value {
  return binary("Mul", a, b);
}

/** a / b. */
export function div(a: Value, b: Value | number): Value {
  return binary("Div", a, b);
}

/** x where it is above 0, else 0. */
export function relu(x: Value): Value {
  return unary("Relu", x);
}

/** The hyperbolic tangent. */
export function tanh(x: Value): Value {
  return unary("Tanh", x);
}

/** 1 / (1 + e^−x). */
export function sigmoid(x: Value): Value {
  return unary("Sigmoid", x);
}

/** x · sigmoid(x). */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/** GELU by its tanh approximation, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export function gelu(x: Value): Value {
  return x.graph.node("Gelu", [x], [x], { attributes: { approximate: "tanh" } })[0]!;
}

/** Rounds to the nearest whole number, ties to even. */
export function round(x: Value): Value {
  return unary("Round", x);
}

/** Limits to `min … max`. */
export function clip(x: Value, min: number, max: number): Value {
  const { graph } = x;
  return graph.node("Clip", [x, graph.scalar(min, x.dtype), graph.scalar(max, x.dtype)], [x])[0]!;
}

/** The same values in another type; the value itself where it is of that type. */
export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return x.graph.node("Cast", [x], [{ dtype, dims: x.dims }], {
    attributes: { to: onnxTypeOf(dtype) },
  })[0]!;
}

function unary(operator: string, x: Value): Value {
  return x.graph.node(operator, [x], [x])[0]!;
}

function binary(operator: string, a: Value | number, b: Value | number): Value {
  const value = typeof a === "number" ? b : a;
  if (typeof value === "number") {
    throw new TypeError(`${operator}: expected a value of the graph, got ${a} and ${b}`);
  }
  const left = typeof a === "number" ? value.graph.scalar(a, value.dtype) : a;
  const right = typeof b === "number" ? value.graph.scalar(b, value.dtype) : b;
  sameTypes(operator, left, right);
  const dims = broadcastDims(left.dims, right.dims);
  if (!dims) fail(operator, "shapes do not fit each other", [left, right]);
  return value.graph.node(operator, [left, right], [{ dtype: value.dtype, dims }])[0]!;
}
