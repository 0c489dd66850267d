/** Checks that operators share. Each message names the operator and the operands, with their shapes. */

import { type Dims, formatDims, sameDims } from "../dims.ts";
import type { Value } from "../graph.ts";

export function fail(
  operator: string,
  why: string,
  operands: readonly (Value | undefined)[],
): never {
  const shown = operands.filter((value) => value !== undefined).join("; ");
  throw new TypeError(`${operator}: ${why} (${shown})`);
}

export function sameTypes(operator: string, ...operands: (Value | undefined)[]): void {
  const [first] = operands;
  if (operands.some((value) => value && value.dtype !== first!.dtype)) {
    fail(operator, "operands must be of one type", operands);
  }
}

export function expectRank(operator: string, value: Value, ...ranks: number[]): void {
  if (!ranks.includes(value.rank)) {
    fail(operator, `expected ${ranks.join(" or ")} sizes, got ${value.rank}`, [value]);
  }
}

export function expectDims(operator: string, what: string, value: Value, dims: Dims): void {
  if (!sameDims(value.dims, dims)) {
    fail(operator, `expected ${what} ${formatDims(dims)}`, [value]);
  }
}
