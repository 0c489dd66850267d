/** Attention and rotary positions. B sequences, N heads of H channels, S queries, L keys. */

import type { Dim } from "../dims.ts";
import { float, type Value } from "../graph.ts";
import { expectRank, fail, sameTypes } from "./_check.ts";
import { add, cast, mul } from "./elementwise.ts";
import { matMul } from "./linear.ts";
import { softmax } from "./norm.ts";
import { reshape, transpose } from "./shape.ts";

/**
 * softmax(q·kᵀ / √H)·v of every head, unmasked, by ONNX Runtime's own kernels (flash attention where the
 * device has it).
 *
 * @param q `[B, S, N·H]`
 * @param k `[B, L, N·H]`
 * @param v `[B, L, N·H]`
 * @returns `[B, S, N·H]`
 */
export function multiHeadAttention(q: Value, k: Value, v: Value, heads: number): Value {
  checkAttention("MultiHeadAttention", q, k, v, heads);
  return q.graph.node("MultiHeadAttention", [q, k, v], [q], {
    domain: "com.microsoft",
    attributes: { num_heads: heads },
  })[0]!;
}

/** How `composedAttention` differs from the plain kind. */
export interface ComposedAttentionOptions {
  /** Factor of q·kᵀ; 1 / √H where it is left out. */
  readonly scale?: number;
  /** Added to the scores `[B, N, S, L]`, or to what stretches to that. */
  readonly bias?: Value;
}

/**
 * The same from products and softmax: for scores that have a bias, and for devices whose fused kernel is
 * wrong or absent. Softmax is in float32 whatever the type of the rest: kernels sum its exponentials in the type
 * they are given. Queries are scaled before the product, so that no score is larger than it has to be.
 */
export function composedAttention(
  q: Value,
  k: Value,
  v: Value,
  heads: number,
  { scale, bias }: ComposedAttentionOptions = {},
): Value {
  checkAttention("attention", q, k, v, heads);
  const [batch, rows] = q.dims as [number, number];
  const width = (q.dims[2] as number) / heads;
  const split = (x: Value, perm: readonly number[]) => {
    const dims = symbolicAs0(x.dims[1]!);
    return transpose(
      reshape(x, [batch, dims, heads, width], [batch, x.dims[1]!, heads, width]),
      perm,
    );
  };
  const factor = scale ?? 1 / Math.sqrt(width);
  const queries = split(q, [0, 2, 1, 3]); // [B, S, N·H] -> [B, N, S, H]
  const keys = split(k, [0, 2, 3, 1]); // [B, L, N·H] -> [B, N, H, L]
  const values = split(v, [0, 2, 1, 3]); // [B, L, N·H] -> [B, N, L, H]
  let scores = matMul(factor === 1 ? queries : mul(queries, factor), keys);
  if (bias) scores = add(scores, bias);
  const shares = cast(softmax(cast(scores, "float32")), q.dtype);
  const mixed = matMul(shares, values); // [B, N, S, H]
  return reshape(transpose(mixed, [0, 2, 1, 3]), [batch, rows, heads * width]);
}

/**
 * Turns the interleaved pairs (2j, 2j + 1) of every head by the angles whose cosines and sines are given,
 * row by row.
 *
 * @param x `[1, S, N·H]`
 * @param cos `[S, H / 2]`
 * @param sin `[S, H / 2]`
 */
export function rotaryEmbedding(x: Value, cos: Value, sin: Value, heads: number): Value {
  sameTypes("RotaryEmbedding", x, cos, sin);
  expectRank("RotaryEmbedding", x, 3);
  const width = (x.dims[2] as number) / heads;
  for (const table of [cos, sin]) {
    if (table.rank !== 2 || table.dims[0] !== x.dims[1] || table.dims[1] !== width / 2) {
      fail("RotaryEmbedding", `expected tables [rows of x, ${width / 2}]`, [x, table]);
    }
  }
  // Position 0 as the only entry means: row i of x turns by row i of the tables.
  return x.graph.node("RotaryEmbedding", [x, x.graph.integers([0]), cos, sin], [x], {
    domain: "com.microsoft",
    attributes: { interleaved: 1, num_heads: heads, scale: float(1) },
  })[0]!;
}

function checkAttention(operator: string, q: Value, k: Value, v: Value, heads: number): void {
  sameTypes(operator, q, k, v);
  for (const value of [q, k, v]) expectRank(operator, value, 3);
  if (k.dims[0] !== q.dims[0] || v.dims[0] !== q.dims[0]) {
    fail(operator, "expected q, k and v of one batch", [q, k, v]);
  }
  if (k.dims[1] !== v.dims[1]) fail(operator, "expected as many keys as values", [k, v]);
  if (q.dims[2] !== k.dims[2] || q.dims[2] !== v.dims[2]) {
    fail(operator, "expected q, k and v of one width", [q, k, v]);
  }
  if (typeof q.dims[2] !== "number" || q.dims[2] % heads !== 0) {
    fail(operator, `the width does not divide into ${heads} heads`, [q]);
  }
}

/** A size that only the run knows is copied from the operand: ONNX's Reshape writes that as 0. */
function symbolicAs0(dim: Dim): number {
  return typeof dim === "string" ? 0 : dim;
}
