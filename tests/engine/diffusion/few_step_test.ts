import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fewStepUpdate, flowSchedule, planFewSteps } from "../../../engine/diffusion/mod.ts";

Deno.test("planFewSteps() gives the passes of Self Forcing", () => {
  const passes = planFewSteps(flowSchedule({ shift: 5 }), [1000, 750, 500, 250], true);
  assertEquals(passes.map((p) => p.timestep), [1000, 937.5, 833.3333129882812, 625]);
  assertEquals(passes.map((p) => p.sigma), [1, 0.9375, Math.fround(5 / 6), 0.625]);
  assertEquals(passes.map((p) => p.nextSigma), [0.9375, Math.fround(5 / 6), 0.625, 0]);
  assertEquals(passes.map((p) => p.renoise), [0, 1, 2, undefined]);
  assertEquals(passes.map((p) => p.index), [0, 1, 2, 3]);
});

Deno.test("planFewSteps() takes timesteps as they stand, and a step at 0", () => {
  const schedule = flowSchedule({ shift: 5 });
  const passes = planFewSteps(schedule, [1000, 500, 0], false);
  assertEquals(passes.map((p) => p.timestep), [1000, 500, 0]);
  // The nearest of the schedule's sigmas, as the reference looks it up.
  assertAlmostEquals(passes[1]!.sigma, 0.835 / 1.668, 1e-6);
  assertAlmostEquals(passes[1]!.nextSigma, 0.00498008, 1e-7);
});

Deno.test("planFewSteps() refuses steps that do not fall", () => {
  const schedule = flowSchedule({ shift: 5 });
  for (const steps of [[], [250, 500], [500, 500], [1001], [-1], [NaN]]) {
    assertThrows(
      () => planFewSteps(schedule, steps, false),
      RangeError,
      `cannot sample in the steps [${steps.join(", ")}]: expected falling numbers`,
    );
  }
});

Deno.test("fewStepUpdate() mixes noise into the guess, or gives it as it is", () => {
  const x = new Float32Array([1, -2]);
  const flow = new Float32Array([0.5, 4]);
  const noise = new Float32Array([10, 20]);
  assertEquals([...fewStepUpdate(x, flow, 0.5, 0.25, noise)], [0.75 * 0.75 + 2.5, 0.75 * -4 + 5]);
  assertEquals([...fewStepUpdate(x, flow, 0.5, 0)], [0.75, -4]);
  assertEquals([...x], [1, -2]);
  assertThrows(
    () => fewStepUpdate(x, flow, 0.5, 0.25),
    TypeError,
    "cannot mix in noise: expected 2 values, got none",
  );
});
