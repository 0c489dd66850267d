/**
 * The multi-step samplers: many small steps, each of which also uses what the network guessed in the
 * steps before.
 *
 * Both are linear: a step gives a weighted sum of the latents and of the clean latents guessed so
 * far. All that the schedule decides is in the weights, which are known before the first step and
 * computed in float64; the sums are rounded to float32 once.
 *
 * As `wan/utils/fm_solvers_unipc.py` (FlowUniPCMultistepScheduler: order 2, bh2, predict_x0) and
 * `wan/utils/fm_solvers.py` (FlowDPMSolverMultistepScheduler: dpmsolver++, midpoint) of
 * guandeh17/Self-Forcing @ 33593df.
 */

import { checkRun } from "./few_step.ts";

const f = Math.fround;

/** `unipc`: UniPC of order 2, which corrects each step by the next guess. `dpmpp`: DPM++ 2M. */
export type MultiStepSolver = "unipc" | "dpmpp";

/** A weighted sum of latents. */
export interface Blend {
  /** Weight of the latents that the step starts from. */
  readonly latents: number;
  /** Weights of the guesses, newest first; three at most. */
  readonly guesses: readonly number[];
}

/** One step. */
export interface MultiStepPass {
  /** From 0. */
  readonly index: number;
  /** What the network is told: a whole number, rounded down as the reference does. */
  readonly timestep: number;
  /** Share of noise in its input. */
  readonly sigma: number;
  /**
   * What the step's own latents become now that the network has seen them, from the latents of the
   * step before. None in the first step, and none in DPM++.
   */
  readonly correct?: Blend;
  /** The latents of the next step. */
  readonly predict: Blend;
  /** No noise is mixed in. */
  readonly renoise: undefined;
}

/**
 * The steps of a solver.
 *
 * @param steps how many, 1 … 1000
 * @param shift above 0; above 1, more of the steps are spent on strong noise
 * @param run how many of them are run, the last ones; default all. The first of them has no steps
 *   before it to make use of, as the first of all has none.
 */
export function planMultiSteps(
  solver: MultiStepSolver,
  steps: number,
  shift: number,
  run: number = steps,
): MultiStepPass[] {
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > 1000) {
    throw new RangeError(
      `cannot sample in ${steps} steps: expected a whole number from 1 to 1000, such as 50`,
    );
  }
  if (!(shift > 0)) {
    throw new RangeError(`cannot make a schedule of shift ${shift}: expected above 0`);
  }
  // UniPC starts at the strongest noise of a training schedule of 1000 steps, DPM++ at pure noise.
  const first = solver === "unipc" ? f(0.999) : 1;
  const exact = Array.from({ length: steps }, (_, i) => {
    const even = first + i * (-first / steps);
    return shift * even / (1 + (shift - 1) * even);
  });
  const levels = new Levels([...exact, 0]);
  checkRun(run, steps);
  const from = steps - run;
  // As few guesses as there are at the beginning, and the plainest step for the last.
  const order = (i: number) => Math.min(2, steps - i, i - from + 1);
  return exact.slice(from).map((sigma, index) => {
    const i = from + index;
    return {
      index,
      timestep: Math.floor(sigma * 1000),
      sigma: f(sigma),
      ...(solver === "unipc" && index > 0 && { correct: levels.correct(i, order(i - 1)) }),
      predict: levels.predict(i, order(i)),
      renoise: undefined,
    };
  });
}

/** Levels of noise, in float32 as the solvers read them, and the weights that follow from them. */
class Levels {
  readonly #sigmas: readonly number[];
  /** log((1 − sigma) / sigma): −∞ for pure noise, ∞ for none. */
  readonly #lambdas: readonly number[];

  constructor(sigmas: readonly number[]) {
    this.#sigmas = sigmas.map(f);
    this.#lambdas = this.#sigmas.map((sigma) => Math.log(1 - sigma) - Math.log(sigma));
  }

  /** From level i to the next, by the guess at i and, in second order, by its change since i − 1. */
  predict(i: number, order: number): Blend {
    const { latents, pull, h } = this.#between(i, i + 1);
    const slope = order === 2 ? 0.5 / ((this.#lambdas[i - 1]! - this.#lambdas[i]!) / h) : 0;
    return { latents, guesses: [pull * (1 - slope), pull * slope] };
  }

  /** From level i − 1 to i once more, now with the guess at i too. */
  correct(i: number, order: number): Blend {
    const { latents, pull, h, b } = this.#between(i - 1, i);
    let [older, newest] = [0, 0.5];
    if (order === 2) {
      const r = (this.#lambdas[i - 2]! - this.#lambdas[i - 1]!) / h;
      const k = b / -h - 1;
      const [b1, b2] = [k / b, 2 * (k / -h - 0.5) / b];
      const rho = (b1 - b2) / (1 - r);
      [older, newest] = [rho / r, b1 - rho];
    }
    return {
      latents,
      guesses: [pull * newest, pull * (1 - older - newest), pull * older],
    };
  }

  /** The exact part of a step: with a constant guess m, `latents · x + pull · m`. */
  #between(from: number, to: number) {
    const h = this.#lambdas[to]! - this.#lambdas[from]!;
    const b = Math.expm1(-h);
    const latents = this.#sigmas[to]! / this.#sigmas[from]!;
    return { latents, pull: -(1 - this.#sigmas[to]!) * b, h, b };
  }
}

/** A chunk on its way through the steps. */
export interface MultiStepState {
  /** What the network is given next; clean latents after the last step. */
  readonly latents: Float32Array;
  /** What the last step started from, corrected; none before the first. */
  readonly before?: Float32Array;
  /** What the network guessed in the last steps, newest first; two at most. */
  readonly guesses: readonly Float32Array[];
}

/** The state before the first step. */
export function multiStepStart(noise: Float32Array): MultiStepState {
  return { latents: noise, guesses: [] };
}

/**
 * The state after a step; the one before stays as it is.
 *
 * @param guess clean latents as the network sees them, `x0 = latents − sigma flow`
 */
export function multiStepUpdate(
  state: MultiStepState,
  guess: Float32Array,
  { correct, predict }: MultiStepPass,
): MultiStepState {
  if (guess.length !== state.latents.length) {
    throw new TypeError(
      `cannot take a step: expected a guess of ${state.latents.length} values, got ${guess.length}`,
    );
  }
  const guesses = [guess, ...state.guesses];
  const before = correct ? blend(correct, state.before!, guesses) : state.latents;
  return { latents: blend(predict, before, guesses), before, guesses: guesses.slice(0, 2) };
}

function blend(weights: Blend, latents: Float32Array, guesses: readonly Float32Array[]) {
  const [a, b, c] = weights.guesses as readonly [number, number?, number?];
  const [newest, older = newest, oldest = newest] = guesses as [Float32Array, ...Float32Array[]];
  // A weight of 0 stands for a guess that there is not: any other may be read in its place.
  const [share, wb, wc] = [weights.latents, b ?? 0, c ?? 0];
  const sum = new Float32Array(latents.length);
  for (let i = 0; i < sum.length; i++) {
    sum[i] = share * latents[i]! + a * newest[i]! + wb * older[i]! + wc * oldest[i]!;
  }
  return sum;
}

/**
 * Classifier-free guidance: `unconditional + scale (conditional − unconditional)`, for flows and for
 * guesses alike.
 */
export function guide(
  conditional: Float32Array,
  unconditional: Float32Array,
  scale: number,
): Float32Array {
  return unconditional.map((value, i) => value + scale * (conditional[i]! - value));
}
