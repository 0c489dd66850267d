/** Numbers that checks run on, and how far two results are apart. */

import type { Precision } from "../engine/networks/mod.ts";
import type { Value } from "../engine/onnx/mod.ts";
import { float32ToFloat16 } from "../engine/tensor/mod.ts";
import { errorOf } from "../tests/float16/_compare.ts";
import { dimsOf } from "./_flops.ts";

/** What a device is given, and the same in float32. */
export interface Given {
  readonly data: Float32Array | Float16Array | Uint8Array;
  readonly exact: Float32Array | Uint8Array;
}

/** A prime: rows of no network's width repeat before many others have come. */
const PERIOD = 1_000_003;

let block: Float32Array | undefined;

/** Numbers in −scale … scale, the same each time; they come again after a million. */
export function randomFloats(count: number, scale: number, seed: number): Float32Array {
  if (block === undefined) {
    block = new Float32Array(PERIOD);
    let state = 0x9e3779b9;
    for (let i = 0; i < PERIOD; i++) {
      state = state + 0x6d2b79f5 | 0;
      let t = Math.imul(state ^ state >>> 15, 1 | state);
      t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
      block[i] = ((t ^ t >>> 14) >>> 0) / 0x80000000 - 1;
    }
  }
  const values = new Float32Array(count);
  const start = seed * 7919 % PERIOD;
  let at = 0;
  while (at < count) {
    const from = at === 0 ? start : 0;
    const part = block.subarray(from, Math.min(PERIOD, from + count - at));
    values.set(part, at);
    at += part.length;
  }
  if (scale !== 1) { for (let i = 0; i < count; i++) values[i]! *= scale; }
  return values;
}

/**
 * Values for an input or a parameter. In float16 the reference is given what float16 has kept of them, so that what is
 * compared is the arithmetic. In float32 they keep all their bits: TF32, which drops the last 13, would not show on
 * numbers that have none there.
 */
export function valuesFor(value: Value, scale: number, seed: number): Given {
  const count = dimsOf(value).reduce((a, b) => a * b, 1);
  const floats = randomFloats(count, scale, seed);
  if (value.dtype === "uint8") {
    const data = Uint8Array.from(floats, (x) => Math.floor((x + 1) * 127.99));
    return { data, exact: data };
  }
  if (value.dtype !== "float16") return { data: floats, exact: floats };
  const data = float32ToFloat16(floats) as Float16Array;
  return { data, exact: new Float32Array(data) };
}

/** The largest error over the largest value that is expected. */
export function shareOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const { largest, magnitude } = errorOf({ actual, expected });
  return magnitude === 0 ? largest === 0 ? 0 : Infinity : largest / magnitude;
}

/**
 * What is allowed of one operator. Float32: sums in another order. Float16: the result's rounding, and the operands'
 * inside of it; WebGPU's shaders sum in float16 besides.
 */
export function allowedOf(dtype: Precision, kind: string): number {
  if (dtype === "float32") return 3e-5;
  return kind === "webgpu" ? 0.03 : 3e-3;
}
