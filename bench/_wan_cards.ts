/** A roofline of a graphics card: how long a graph should take there, reckoned from its shapes. */

import type { NodeWork, WorkKind } from "./_flops.ts";
import type { FloatType } from "./_wan_random.ts";

/** A card as its maker describes it. */
export interface Card {
  readonly name: string;
  /** Where the figures stand. */
  readonly source: string;
  /** Floating-point operations a second at best, dense. */
  readonly flops: Readonly<Record<FloatType, number>>;
  /** Bytes a second between the card's memory and its processors. */
  readonly bandwidth: number;
  readonly memory: number;
}

/** Cards by the names of `--predict`. */
export const cards: Readonly<Record<string, Card>> = {
  h100: {
    name: "H100 SXM",
    source:
      "NVIDIA H100 Tensor Core GPU datasheet: 1,979 TFLOP/s of float16 with sparsity, half of it without; " +
      "67 TFLOP/s of float32 outside the tensor cores, TF32 being off; 3.35 TB/s; 80 GB",
    flops: { float16: 989e12, float32: 67e12 },
    bandwidth: 3.35e12,
    memory: 80e9,
  },
};

/** What is assumed of kernels that nobody has measured here. */
export interface Assumptions {
  /** Share of the card's operations a second that each kind of kernel reaches. */
  readonly efficiency: Readonly<Partial<Record<WorkKind, number>>>;
  /** Share of the bandwidth. */
  readonly bandwidth: number;
  /** Seconds between two kernels, the host's part in starting one included. */
  readonly launch: number;
}

/** Guesses, to be compared with a first run. */
export const assumptions: Assumptions = {
  efficiency: { product: 0.55, attention: 0.45, convolution: 0.4 },
  bandwidth: 0.8,
  launch: 4e-6,
};

/** Predicted milliseconds, by what they are spent on. */
export type Predicted = Readonly<Record<WorkKind | "launches", number>>;

/** Nothing. */
export const noTime: Predicted = {
  product: 0,
  attention: 0,
  convolution: 0,
  norm: 0,
  elementwise: 0,
  cast: 0,
  layout: 0,
  launches: 0,
};

/** Each node takes what it computes or what it moves, whichever is longer, and a launch. */
export function predict(
  work: readonly NodeWork[],
  card: Card,
  assumed: Assumptions = assumptions,
): Predicted {
  const time: Record<WorkKind | "launches", number> = { ...noTime };
  for (const { node, kind, flops, bytes, kernels } of work) {
    const dtype = node.inputs[0]?.dtype === "float16" ? "float16" : "float32";
    const computing = flops / (card.flops[dtype] * (assumed.efficiency[kind] ?? 1));
    const moving = bytes / (card.bandwidth * assumed.bandwidth);
    time[kind] += 1000 * Math.max(computing, moving);
    time.launches += 1000 * kernels * assumed.launch;
  }
  return time;
}

/** All kinds together, in milliseconds. */
export function totalOf(time: Predicted): number {
  return Object.values(time).reduce((a, b) => a + b, 0);
}

/** Several one after another, each so many times. */
export function addTimes(parts: readonly (readonly [Predicted, number])[]): Predicted {
  const sum = { ...noTime } as Record<WorkKind | "launches", number>;
  for (const [time, times] of parts) {
    for (const [kind, ms] of Object.entries(time)) sum[kind as WorkKind] += ms * times;
  }
  return sum;
}
