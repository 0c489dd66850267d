import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import {
  flowToX0,
  guide,
  type MultiStepSolver,
  multiStepStart,
  type MultiStepState,
  multiStepUpdate,
  planMultiSteps,
} from "../../../engine/diffusion/mod.ts";
import { difference, golden } from "./_golden.ts";

/** The toy network of the golden trajectories: v = 0.3 x + 0.1 sin(t / 1000). */
function toyFlow(x: Float32Array, timestep: number): Float32Array {
  return x.map((value) => 0.3 * value + 0.1 * Math.sin(timestep / 1000));
}

for (const [solver, steps] of [["unipc", 20], ["unipc", 6], ["dpmpp", 20], ["dpmpp", 6]] as const) {
  Deno.test(`multiStepUpdate() follows the reference: ${solver} in ${steps} steps`, async () => {
    const read = await golden("scheduler");
    const name = `out.${solver}${steps}`;
    const plan = planMultiSteps(solver, steps, 5);
    const sigmas = [...plan.map((pass) => pass.sigma), 0];
    assertEquals(difference(sigmas, await read(`${name}.sigmas`)), 0);
    assertEquals(plan.map((pass) => pass.timestep), [...await read(`${name}.timesteps`)]);
    const trajectory = await read(`${name}.trajectory`);
    const velocity = solver === "unipc" ? await read(`${name}.velocity`) : undefined;
    let state = multiStepStart(await read("in.solver.x"));
    const size = state.latents.length;
    for (const pass of plan) {
      const at = pass.index * size;
      const flow = toyFlow(state.latents, pass.timestep);
      if (velocity) {
        assertLessOrEqual(difference(flow, velocity.subarray(at, at + size)), 1e-6);
      }
      state = multiStepUpdate(state, flowToX0(flow, state.latents, pass.sigma), pass);
      const apart = difference(state.latents, trajectory.subarray(at, at + size));
      assertLessOrEqual(apart, 1e-6, `step ${pass.index}`);
    }
  });
}

Deno.test("planMultiSteps() has the reference's sigmas and timesteps in 50 steps", async () => {
  const read = await golden("scheduler");
  for (const shift of [5, 8]) {
    const plan = planMultiSteps("unipc", 50, shift);
    const name = `out.unipc50.shift${shift}`;
    const sigmas = [...plan.map((pass) => pass.sigma), 0];
    assertEquals(difference(sigmas, await read(`${name}.sigmas`)), 0);
    assertEquals(plan.map((pass) => pass.timestep), [...await read(`${name}.timesteps`)]);
  }
});

Deno.test("planMultiSteps() keeps what both solvers promise: weights that sum to the schedule", () => {
  for (const solver of ["unipc", "dpmpp"] as const) {
    for (const steps of [1, 2, 3, 14, 15, 50]) {
      const plan = planMultiSteps(solver, steps, 5);
      assertEquals(plan.length, steps);
      for (const { index, predict, correct, sigma } of plan) {
        const next = plan[index + 1]?.sigma ?? 0;
        const before = plan[index - 1]?.sigma ?? NaN;
        // Where every guess is the same m, a step goes straight from x to the mixture of m and noise.
        const blends = [[predict, sigma, next], [correct, before, sigma]] as const;
        for (const [blend, from, to] of blends) {
          if (blend === undefined) continue;
          const whole = blend.guesses.reduce((a, b) => a + b);
          assert(Math.abs(blend.latents - to / from) < 1e-12);
          assert(Math.abs(whole - (1 - to - (1 - from) * to / from)) < 1e-6, `${solver} ${index}`);
        }
        assertEquals(correct !== undefined, solver === "unipc" && index > 0);
      }
      // The last step is of first order and to no noise: the guess itself.
      assertEquals(plan.at(-1)!.predict, { latents: 0, guesses: [1, 0] });
    }
  }
});

/** One step for each guess, by both solvers, to the end. */
function solve(
  solver: MultiStepSolver,
  steps: number,
  flow: (x: Float32Array, sigma: number) => Float32Array,
): number {
  let state: MultiStepState = multiStepStart(new Float32Array([1]));
  for (const pass of planMultiSteps(solver, steps, 1)) {
    const guess = flowToX0(flow(state.latents, pass.sigma), state.latents, pass.sigma);
    state = multiStepUpdate(state, guess, pass);
  }
  return state.latents[0]!;
}

Deno.test("multiStepUpdate() comes closer with more steps, UniPC faster than DPM++", () => {
  // dx/dsigma = v = x from sigma 1 to 0: x(0) = x(1) / e.
  const error = (solver: MultiStepSolver, steps: number) =>
    Math.abs(solve(solver, steps, (x) => x) - Math.exp(-1));
  assert(error("dpmpp", 40) < error("dpmpp", 10) / 4);
  assert(error("dpmpp", 40) < 1e-3);
  // UniPC begins at sigma 0.999, which the reference takes for 1: an error of 1e-3 that no step removes.
  const begun = (steps: number) =>
    Math.abs(solve("unipc", steps, (x) => x) - Math.exp(-Math.fround(0.999)));
  assert(begun(40) < begun(10) / 4);
  assert(begun(10) < error("dpmpp", 10));
});

Deno.test("guide() goes past the conditional guess, away from the other", () => {
  const guided = guide(new Float32Array([1, 2]), new Float32Array([0.5, 4]), 3);
  assertEquals([...guided], [0.5 + 3 * 0.5, 4 - 3 * 2]);
  // On guesses as on flows: x − sigma v is linear in v.
  const x = new Float32Array([3, -1]);
  const [a, b] = [new Float32Array([0.25, 1]), new Float32Array([2, 0.5])];
  const early = flowToX0(guide(a, b, 3), x, 0.5);
  assertEquals([...guide(flowToX0(a, x, 0.5), flowToX0(b, x, 0.5), 3)], [...early]);
});

Deno.test("planMultiSteps() and multiStepUpdate() refuse what they cannot do", () => {
  for (const steps of [0, 1001, 2.5, NaN]) {
    assertThrows(
      () => planMultiSteps("unipc", steps, 5),
      RangeError,
      `cannot sample in ${steps} steps: expected a whole number from 1 to 1000`,
    );
  }
  assertThrows(() => planMultiSteps("dpmpp", 5, 0), RangeError, "of shift 0: expected above 0");
  const [pass] = planMultiSteps("dpmpp", 5, 5);
  assertThrows(
    () => multiStepUpdate(multiStepStart(new Float32Array(3)), new Float32Array(2), pass!),
    TypeError,
    "expected a guess of 3 values, got 2",
  );
});
