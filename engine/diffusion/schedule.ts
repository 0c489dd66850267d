/**
 * Flow matching: `x_t = (1 − sigma) x0 + sigma noise`, and the network tells the flow `noise − x0`.
 *
 * As `utils/scheduler.py` (FlowMatchScheduler) and `utils/wan_wrapper.py` of guandeh17/Self-Forcing
 * @ 33593df, in float32 where they compute in float32 and in float64 where they do that.
 */

const f = Math.fround;

/** Options of a schedule; the defaults are those that the reference's pipelines set. */
export interface ScheduleOptions {
  /**
   * Above 1, more of the steps are spent on strong noise: 5 for Self Forcing, 8 for Wan, 3 for
   * training.
   */
  readonly shift: number;
  /** How many steps; default 1000. */
  readonly steps?: number;
  /** What sigma 1 is as a timestep; default 1000. */
  readonly trainSteps?: number;
  /** Default 1. */
  readonly sigmaMax?: number;
  /** Default 0. */
  readonly sigmaMin?: number;
  /** Below 1 the schedule begins with less than full noise; default 1. */
  readonly denoisingStrength?: number;
  /** Whether `sigmaMin` itself is left out as the step after the last; default true. */
  readonly extraOneStep?: boolean;
  /** From weak to strong noise; default false. */
  readonly inverseTimesteps?: boolean;
  /** `1 − sigma` in place of sigma; default false. */
  readonly reverseSigmas?: boolean;
}

/** The steps of a schedule, by index. */
export interface FlowSchedule {
  /** Share of noise, 0 … 1. */
  readonly sigmas: Float32Array;
  /** The same as the network is told it, 0 … `trainSteps`. */
  readonly timesteps: Float32Array;
  /** The sigma after the last step. */
  readonly finalSigma: 0 | 1;
}

/** Makes a schedule. */
export function flowSchedule(options: ScheduleOptions): FlowSchedule {
  const {
    shift,
    steps = 1000,
    trainSteps = 1000,
    sigmaMax = 1,
    sigmaMin = 0,
    denoisingStrength = 1,
    extraOneStep = true,
    inverseTimesteps = false,
    reverseSigmas = false,
  } = options;
  if (!(shift > 0)) {
    throw new RangeError(`cannot make a schedule of shift ${shift}: expected above 0`);
  }
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new RangeError(
      `cannot make a schedule of ${steps} steps: expected a whole number from 1`,
    );
  }
  const start = sigmaMin + (sigmaMax - sigmaMin) * denoisingStrength;
  const sigmas = linspace(start, sigmaMin, extraOneStep ? steps + 1 : steps).subarray(0, steps);
  if (inverseTimesteps) sigmas.reverse();
  for (const [i, sigma] of sigmas.entries()) {
    const shifted = f(f(shift * sigma) / f(1 + f((shift - 1) * sigma)));
    sigmas[i] = reverseSigmas ? 1 - shifted : shifted;
  }
  return {
    sigmas,
    timesteps: sigmas.map((sigma) => sigma * trainSteps),
    finalSigma: inverseTimesteps || reverseSigmas ? 1 : 0,
  };
}

/** As `torch.linspace` in float32, which counts from both ends. */
function linspace(start: number, end: number, count: number): Float32Array {
  if (count === 1) return new Float32Array([start]);
  const step = f((f(end) - f(start)) / (count - 1));
  return Float32Array.from(
    { length: count },
    (_, i) => i < count >> 1 ? start + step * i : end - step * (count - 1 - i),
  );
}

/**
 * The timesteps that numbers of an even schedule (1000 strongest noise, 0 none) fall on after
 * shifting: 1000, 750, 500, 250 become 1000, 937.5, 833.33, 625 with shift 5.
 */
export function warpSteps(schedule: FlowSchedule, steps: readonly number[]): number[] {
  const { timesteps } = schedule;
  return steps.map((step) => {
    if (!Number.isSafeInteger(step) || step < 0 || step > timesteps.length) {
      throw new RangeError(
        `cannot warp step ${step}: expected a whole number from 0 to ${timesteps.length}`,
      );
    }
    return timesteps[timesteps.length - step] ?? 0;
  });
}

/** Index of the step nearest to a timestep; the first of equally near ones. */
export function indexOfTimestep(schedule: FlowSchedule, timestep: number): number {
  let best = 0;
  let least = Infinity;
  for (const [i, candidate] of schedule.timesteps.entries()) {
    const distance = f(Math.abs(candidate - timestep));
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

/**
 * Sigma of the step nearest to a timestep. Never 0 with the usual options: timestep 0 gives the
 * smallest.
 */
export function sigmaOf(schedule: FlowSchedule, timestep: number): number {
  return schedule.sigmas[indexOfTimestep(schedule, timestep)]!;
}

/** `(1 − sigma) x0 + sigma noise`, in float32. */
export function addNoise(x0: Float32Array, noise: Float32Array, sigma: number): Float32Array {
  const keep = f(1 - sigma);
  return x0.map((value, i) => f(keep * value) + f(sigma * noise[i]!));
}

/** `x0 = xt − sigma flow`, in float64. */
export function flowToX0(flow: Float32Array, xt: Float32Array, sigma: number): Float32Array {
  return xt.map((value, i) => value - sigma * flow[i]!);
}

/** `flow = (xt − x0) / sigma`, in float64. */
export function x0ToFlow(x0: Float32Array, xt: Float32Array, sigma: number): Float32Array {
  return xt.map((value, i) => (value - x0[i]!) / sigma);
}

/**
 * One Euler step along the flow, from the schedule's step nearest to `timestep` to the next one.
 */
export function eulerStep(
  schedule: FlowSchedule,
  flow: Float32Array,
  xt: Float32Array,
  timestep: number,
): Float32Array {
  const index = indexOfTimestep(schedule, timestep);
  const next = schedule.sigmas[index + 1] ?? schedule.finalSigma;
  const change = f(next - schedule.sigmas[index]!);
  return xt.map((value, i) => value + f(flow[i]! * change));
}

/** What the network should have told: `noise − x0`. */
export function trainingTarget(x0: Float32Array, noise: Float32Array): Float32Array {
  return noise.map((value, i) => value - x0[i]!);
}

/**
 * Weight of each step in the training loss: a bell around the middle timestep, 0 at the least, 1 on
 * average.
 */
export function trainingWeights({ timesteps }: FlowSchedule): Float32Array {
  const steps = timesteps.length;
  const bell = timesteps.map((t) => {
    const place = f(f(t - steps / 2) / steps);
    return Math.exp(-2 * f(place * place));
  });
  const least = bell.reduce((a, b) => Math.min(a, b));
  const shifted = bell.map((value) => value - least);
  const sum = shifted.reduce((a, b) => a + b, 0);
  return shifted.map((value) => value * f(steps / sum));
}
