/** Operators that move elements about. */

import type { DType } from "../../tensor/mod.ts";
import { axisOf, countOf, type Dim, type Dims, formatDims, sameDims } from "../dims.ts";
import type { Graph, Value } from "../graph.ts";
import { expectRank, fail, sameTypes } from "./_check.ts";

/**
 * The same elements in another shape.
 *
 * @param to sizes; one may be −1 (what is left), and 0 copies the operand's size at that place
 * @param dims the shape it becomes, where a size is only known by name
 */
export function reshape(x: Value, to: readonly number[], dims?: Dims): Value {
  const shape = dims ?? resolve(x, to);
  if (sameDims(shape, x.dims)) return x;
  return x.graph.node("Reshape", [x, x.graph.integers(to)], [{ dtype: x.dtype, dims: shape }])[0]!;
}

function resolve(x: Value, to: readonly number[]): Dim[] {
  const shape = to.map((size, i) => size === 0 ? x.dims[i]! : size);
  const hole = shape.indexOf(-1);
  const all = countOf(x.dims);
  if (all === undefined) fail("Reshape", "a size is known by name only: say the shape", [x]);
  const rest = countOf(shape.filter((size) => size !== -1))!;
  if (hole >= 0) shape[hole] = all / rest;
  if (countOf(shape) !== all || !Number.isInteger(all / rest)) {
    fail("Reshape", `the elements do not fit ${formatDims(to)}`, [x]);
  }
  return shape;
}

/** Axes in another order: axis i of the result is axis `perm[i]` of x. */
export function transpose(x: Value, perm: readonly number[]): Value {
  if (perm.toSorted((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== x.rank) {
    fail("Transpose", `${formatDims(perm)} is no order of its axes`, [x]);
  }
  const dims = perm.map((axis) => x.dims[axis]!);
  return x.graph.node("Transpose", [x], [{ dtype: x.dtype, dims }], { attributes: { perm } })[0]!;
}

/** One number in every place, in the graph's type if no other is said. */
export function fill(
  graph: Graph,
  value: number,
  dims: readonly number[],
  dtype: DType = graph.dtype,
): Value {
  const number = graph.scalar(value, dtype);
  return graph.node("Expand", [number, graph.integers(dims)], [{ dtype: number.dtype, dims }])[0]!;
}

/** Values one behind the other along an axis. */
export function concat(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (!first) throw new TypeError("Concat: expected at least one value");
  sameTypes("Concat", ...values);
  const at = axisOf(axis, first.rank, "Concat");
  let size = 0;
  for (const value of values) {
    const fits = value.rank === first.rank &&
      value.dims.every((dim, i) => i === at ? typeof dim === "number" : dim === first.dims[i]);
    if (!fits) fail("Concat", `shapes must agree but for axis ${at}`, values);
    size += value.dims[at] as number;
  }
  const dims = first.dims.with(at, size);
  return first.graph.node("Concat", values, [{ dtype: first.dtype, dims }], {
    attributes: { axis: at },
  })[0]!;
}

/** The parts of x along an axis, of the sizes given. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  const at = axisOf(axis, x.rank, "Split");
  if (sizes.reduce((sum, size) => sum + size, 0) !== x.dims[at]) {
    fail("Split", `sizes ${formatDims(sizes)} do not add up to axis ${at}`, [x]);
  }
  return x.graph.node(
    "Split",
    [x, x.graph.integers(sizes)],
    sizes.map((size) => ({ dtype: x.dtype, dims: x.dims.with(at, size) })),
    { attributes: { axis: at } },
  );
}

/** Elements `start … end − 1` along an axis, or every `step`-th of them. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const at = axisOf(axis, x.rank, "Slice");
  const size = x.dims[at];
  if (typeof size !== "number" || start < 0 || end > size || start >= end) {
    fail("Slice", `${start} … ${end} is outside axis ${at}`, [x]);
  }
  const { graph } = x;
  const settings = [start, end, at, ...(step === 1 ? [] : [step])];
  return graph.node("Slice", [x, ...settings.map((value) => graph.integers([value]))], [
    { dtype: x.dtype, dims: x.dims.with(at, Math.ceil((end - start) / step)) },
  ])[0]!;
}

/** Zeros added along an axis. */
export function pad(x: Value, axis: number, before: number, after = 0): Value {
  const at = axisOf(axis, x.rank, "Pad");
  const size = x.dims[at];
  if (typeof size !== "number" || before < 0 || after < 0) {
    fail("Pad", `cannot add ${before} and ${after} to axis ${at}`, [x]);
  }
  const { graph } = x;
  // Of every axis, since the runtime's layout pass takes them to be all there (1.30, webgpu).
  const pads = Array<number>(2 * x.rank).fill(0).with(at, before).with(x.rank + at, after);
  return graph.node("Pad", [x, graph.integers(pads), graph.scalar(0, x.dtype)], [
    { dtype: x.dtype, dims: x.dims.with(at, size + before + after) },
  ])[0]!;
}

/** Rows of a table: `[rows, n]` and `[…]` of row numbers give `[…, n]`. */
export function gather(table: Value, indices: Value): Value {
  if (table.rank !== 2 || !/^u?int(32|64)$/.test(indices.dtype)) {
    fail("Gather", "expected a table [rows, n] and whole numbers", [table, indices]);
  }
  return table.graph.node("Gather", [table, indices], [
    { dtype: table.dtype, dims: [...indices.dims, table.dims[1]!] },
  ], { attributes: { axis: 0 } })[0]!;
}

/**
 * `data` with the rows that `indices` name replaced: row `indices[…, :]` of data becomes `updates[…, :]`.
 * With input and output bound to one buffer nothing else is copied, on every device: the cache's update.
 *
 * @param data `[1, L, n]`
 * @param indices int64 `[1, S, 2]`: (0, row)
 * @param updates `[1, S, n]`
 */
export function scatterRows(data: Value, indices: Value, updates: Value): Value {
  sameTypes("ScatterND", data, updates);
  expectRank("ScatterND", data, 3);
  expectRank("ScatterND", updates, 3);
  const rows = updates.dims[1]!;
  if (indices.dtype !== "int64" || !sameDims(indices.dims, [1, rows, 2])) {
    fail("ScatterND", `expected indices int64 [1, ${rows}, 2]`, [indices, updates]);
  }
  if (data.dims[2] !== updates.dims[2]) fail("ScatterND", "rows differ", [data, updates]);
  return data.graph.node("ScatterND", [data, indices, updates], [data])[0]!;
}
