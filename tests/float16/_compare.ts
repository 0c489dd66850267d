/** What the lines of the float16 table share: what is compared, how far apart it is, and running a graph so. */

import type { AttentionKind, Precision } from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import { type Device, openDevice } from "../../engine/runtime/mod.ts";
import type { TensorData } from "../../engine/tensor/mod.ts";
import { rounding } from "../_rounding.ts";
import { runGraph, type RunGraphOptions } from "../_run_graph.ts";

/** What a network gave and what it should have given. */
export interface Compared {
  readonly actual: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
}

/** Where a case is run. */
export interface CasePlace {
  /** Opens the device; the case closes it. `threads`: of a CPU. */
  open(threads: number): Promise<Device>;
  /** The attention that is right there. */
  readonly attention: AttentionKind;
}

/** The CPU, with float16 that is float16. */
export const onRounding: CasePlace = {
  open: async (threads) => rounding(await openDevice("cpu", { threads })),
  attention: "fused",
};

/** One line of the table. */
export interface Float16Case {
  readonly name: string;
  /** Largest error that is allowed, as a share of the largest magnitude that is expected. */
  readonly bound: number;
  /** Of values that are pictures: black and white, and the least peak signal to noise in dB. */
  readonly range?: readonly [black: number, white: number];
  readonly psnr?: number;
  /** What is expected is the reference's, or the CPU's in float32, wherever it is run. */
  run(dtype: Precision, place?: CasePlace): Promise<Compared>;
}

/** How far two tensors are apart. */
export interface Float16Error {
  /** Largest magnitude that is expected. */
  readonly magnitude: number;
  readonly largest: number;
  readonly mean: number;
  /** Of pictures: peak signal to noise, in dB. */
  readonly psnr?: number;
}

/** Measures a case. Values that are not finite make the largest error infinite. */
export function errorOf(
  { actual, expected }: Compared,
  range?: Float16Case["range"],
): Float16Error {
  if (actual.length !== expected.length || actual.length === 0) {
    throw new RangeError(`expected ${expected.length} values, got ${actual.length}`);
  }
  let [magnitude, largest, sum, squares] = [0, 0, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
    largest = Number.isNaN(apart) ? Infinity : Math.max(largest, apart);
    sum += apart;
    squares += apart ** 2;
  }
  const { length } = actual;
  const psnr = range && 10 * Math.log10((range[1] - range[0]) ** 2 / (squares / length));
  return { magnitude, largest, mean: sum / length, ...(psnr !== undefined && { psnr }) };
}

/** Runs a graph there. */
export async function run(
  graph: Graph,
  inputs: Readonly<Record<string, TensorData>>,
  options: RunGraphOptions,
  place: CasePlace,
): Promise<Record<string, TensorData>> {
  return await runGraph(graph, inputs, { ...options, open: () => place.open(1) });
}

/** Zeros, in the type that the graph wants them in. */
export function zerosOf(
  graph: Graph,
  memories: readonly { name: string; shape: readonly number[] }[],
) {
  return Object.fromEntries(memories.map(({ name, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const zeros = graph.dtype === "float16" ? new Float16Array(count) : new Float32Array(count);
    return [name, zeros];
  }));
}
