/** Times of work that a device does behind this thread's back. */

import type { Tensor } from "../engine/runtime/mod.ts";
import { median } from "./_bench.ts";

/** How often something is measured. */
export interface TimingOptions {
  /** Measurements, of which the median counts; from 1. */
  readonly runs: number;
  /** Milliseconds of one measurement at least: shorter work is repeated inside it. Default: 5. */
  readonly atLeast?: number;
  /** Runs unmeasured before: kernels are compiled and chosen, memory is taken. The work itself if left out. */
  readonly warmUp?: () => Promise<void>;
}

/**
 * Median milliseconds of a piece of work that ends with its results being there (see `settled`).
 */
export async function timed(
  work: () => Promise<void>,
  { runs, atLeast = 5, warmUp = work }: TimingOptions,
): Promise<number> {
  await warmUp();
  let repeats = 1;
  let first = await measure(work, repeats);
  if (first < atLeast) {
    repeats = Math.ceil(atLeast / Math.max(first, 0.01));
    first = await measure(work, repeats);
  }
  const times = [first];
  while (times.length < runs) times.push(await measure(work, repeats));
  const ms = median(times) / repeats;
  if (!(ms > 0 && Number.isFinite(ms))) {
    throw new RangeError(`cannot measure: expected a time above 0, got ${ms} ms; the clock stands`);
  }
  return ms;
}

async function measure(work: () => Promise<void>, repeats: number): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < repeats; i++) await work();
  return performance.now() - began;
}

/**
 * Waits until a tensor's value is there, by reading one element: a run on a GPU settles when its work was handed over,
 * a read behind it when the work was done.
 */
export async function settled(tensor: Tensor): Promise<void> {
  if (tensor.on === "host") return;
  using first = tensor.view([1]);
  await first.read();
}
