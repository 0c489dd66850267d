/** Shapes of values in a graph: sizes known when it is built, or names for sizes known when it runs. */

/** One size: a number from 0, or the name of a size that only a run knows. */
export type Dim = number | string;
/** A shape, outermost axis first; empty for a single number. */
export type Dims = readonly Dim[];

/** `[1, cache, 256]`, as messages show a shape. */
export function formatDims(dims: Dims): string {
  return `[${dims.join(", ")}]`;
}

export function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Number of elements; undefined where a size is only a name. */
export function countOf(dims: Dims): number | undefined {
  let count = 1;
  for (const dim of dims) {
    if (typeof dim === "string") return undefined;
    count *= dim;
  }
  return count;
}

/** The shape of two operands stretched to each other as numpy does; undefined where they do not fit. */
export function broadcastDims(a: Dims, b: Dims): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === right || right === 1) result.push(left);
    else if (left === 1) result.push(right);
    else return undefined;
  }
  return result;
}

/** An axis counted from the front; negative ones count from the back. Throws a RangeError outside the rank. */
export function axisOf(axis: number, rank: number, operator: string): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= rank) {
    throw new RangeError(`${operator}: axis ${axis} is outside a shape of ${rank} sizes`);
  }
  return at;
}
