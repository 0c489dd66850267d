/**
 * The few-step sampler: each pass guesses the clean latents outright, and noise is added for the
 * next.
 */

import { addNoise, type FlowSchedule, flowToX0, sigmaOf, warpSteps } from "./schedule.ts";

/** One pass of the network over a chunk. */
export interface FewStepPass {
  /** From 0. */
  readonly index: number;
  /** What the network is told. */
  readonly timestep: number;
  /** Share of noise in its input. */
  readonly sigma: number;
  /** Share of noise to be mixed into its guess for the next pass; 0 after the last. */
  readonly nextSigma: number;
  /** Which of the chunk's further noises is mixed in, from 0; none after the last pass. */
  readonly renoise: number | undefined;
}

/**
 * The passes for a list of steps, strongest noise first.
 *
 * @param steps whole numbers from 1000 down
 * @param warp whether they are numbers of the even schedule, to be shifted (`warpSteps`); if not,
 *   they are timesteps as they stand
 * @param run how many of them are run, the last ones; default all
 */
export function planFewSteps(
  schedule: FlowSchedule,
  steps: readonly number[],
  warp: boolean,
  run: number = steps.length,
): FewStepPass[] {
  const falling = steps.every((step, i) => i === 0 || step < steps[i - 1]!);
  const inRange = steps.every((step) => Number.isFinite(step) && step >= 0 && step <= 1000);
  if (steps.length === 0 || !falling || !inRange) {
    throw new RangeError(
      `cannot sample in the steps [${
        steps.join(", ")
      }]: expected falling numbers from 1000 to 0, ` +
        `such as [1000, 750, 500, 250]`,
    );
  }
  checkRun(run, steps.length);
  const timesteps = (warp ? warpSteps(schedule, steps) : steps).slice(steps.length - run);
  return timesteps.map((timestep, index) => {
    const next = timesteps[index + 1];
    return {
      index,
      timestep,
      sigma: sigmaOf(schedule, timestep),
      nextSigma: next === undefined ? 0 : sigmaOf(schedule, next),
      renoise: next === undefined ? undefined : index,
    };
  });
}

/** Throws a RangeError where not so many of a sampler's steps can be run. */
export function checkRun(run: number, steps: number): void {
  if (Number.isSafeInteger(run) && run >= 1 && run <= steps) return;
  throw new RangeError(
    `cannot run the last ${run} of ${steps} steps: expected a whole number from 1 to ${steps}`,
  );
}

/**
 * What becomes of a chunk's latents after a pass: `x0 = x − sigma flow`, then
 * `(1 − nextSigma) x0 + nextSigma noise`; `x0` itself where `nextSigma` is 0.
 */
export function fewStepUpdate(
  x: Float32Array,
  flow: Float32Array,
  sigma: number,
  nextSigma: number,
  noise?: Float32Array,
): Float32Array {
  const x0 = flowToX0(flow, x, sigma);
  if (nextSigma === 0) return x0;
  if (noise?.length !== x.length) {
    throw new TypeError(
      `cannot mix in noise: expected ${x.length} values, got ${noise?.length ?? "none"}`,
    );
  }
  return addNoise(x0, noise, nextSigma);
}
