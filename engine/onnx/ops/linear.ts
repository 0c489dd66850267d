/** Matrix products. */

import { broadcastDims } from "../dims.ts";
import type { Value } from "../graph.ts";
import { fail, sameTypes } from "./_check.ts";

/**
 * x · wᵀ + b, for weights as torch keeps them.
 *
 * @param x `[rows, in]`
 * @param w `[out, in]`
 * @param b `[out]`
 * @returns `[rows, out]`
 */
export function linear(x: Value, w: Value, b?: Value): Value {
  sameTypes("Gemm", x, w, b);
  const [rows, inner] = x.dims;
  const [out, expected] = w.dims;
  if (x.rank !== 2 || w.rank !== 2 || inner !== expected) {
    fail("Gemm", "expected x [rows, in] and w [out, in]", [x, w]);
  }
  if (b && !(b.rank === 1 && b.dims[0] === out)) fail("Gemm", "expected b [out]", [w, b]);
  return x.graph.node("Gemm", b ? [x, w, b] : [x, w], [{ dtype: x.dtype, dims: [rows!, out!] }], {
    attributes: { transB: 1 },
  })[0]!;
}

/** Product of the last two axes, `[…, m, k] · […, k, n]`; the axes before them are stretched to each other. */
export function matMul(a: Value, b: Value): Value {
  sameTypes("MatMul", a, b);
  if (a.rank < 2 || b.rank < 2 || a.dims.at(-1) !== b.dims.at(-2)) {
    fail("MatMul", "expected […, m, k] and […, k, n]", [a, b]);
  }
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  if (!batch) fail("MatMul", "shapes do not fit each other", [a, b]);
  const dims = [...batch, a.dims.at(-2)!, b.dims.at(-1)!];
  return a.graph.node("MatMul", [a, b], [{ dtype: a.dtype, dims }])[0]!;
}
