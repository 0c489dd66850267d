import { assertAlmostEquals, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import {
  addNoise,
  eulerStep,
  flowSchedule,
  flowToX0,
  indexOfTimestep,
  sigmaOf,
  trainingTarget,
  trainingWeights,
  warpSteps,
  x0ToFlow,
} from "../../../engine/diffusion/mod.ts";
import { difference, golden } from "./_golden.ts";

/** Applies a function of one item's numbers to each of the batch's four items. */
function perItem(
  size: number,
  item: (i: number, part: (all: Float32Array) => Float32Array) => Float32Array,
) {
  const result = new Float32Array(size);
  for (let i = 0; i < 4; i++) {
    const begin = i * size / 4;
    result.set(item(i, (all) => all.subarray(begin, begin + size / 4)), begin);
  }
  return result;
}

for (const shift of [5, 8, 3]) {
  Deno.test(`flowSchedule() and its arithmetic equal the reference at shift ${shift}`, async () => {
    const read = await golden("scheduler");
    const out = (name: string) => read(`out.shift${shift}.${name}`);
    const schedule = flowSchedule({ shift });
    assertLessOrEqual(difference(schedule.sigmas, await out("sigmas")), 1e-6);
    assertLessOrEqual(difference(schedule.timesteps, await out("timesteps")), 3e-4);
    // Relative to the largest: the reference sums in float32 and is itself 1e-6 from the true
    // values.
    const weights = trainingWeights(schedule);
    const largest = weights.reduce((a, b) => Math.max(a, b));
    assertLessOrEqual(difference(weights, await out("training_weights")) / largest, 1e-6);
    const warped = await out("warped_1000_750_500_250");
    assertLessOrEqual(difference(warpSteps(schedule, [1000, 750, 500, 250]), warped), 3e-4);
    const ending = warpSteps(schedule, [1000, 757, 522, 0]);
    assertLessOrEqual(difference(ending, await out("warped_1000_757_522_0")), 3e-4);
    assertEquals(ending[3], 0);

    const [x0, xt, noise, flow] = await Promise.all(
      ["in.x0", "in.xt", "in.noise", "in.flow"].map(read),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const t = await read(`in.shift${shift}.add_noise.t`);
    const indices = [...t].map((t) => indexOfTimestep(schedule, t));
    assertEquals(indices, [...await out("add_noise.index")]);
    const sigma = (i: number) => sigmaOf(schedule, t[i]!);
    const size = x0.length;
    const cases: [string, Float32Array][] = [
      ["add_noise", perItem(size, (i, of) => addNoise(of(x0), of(noise), sigma(i)))],
      ["flow_to_x0", perItem(size, (i, of) => flowToX0(of(flow), of(xt), sigma(i)))],
      ["x0_to_flow", perItem(size, (i, of) => x0ToFlow(of(x0), of(xt), sigma(i)))],
      ["training_target", trainingTarget(x0, noise)],
      ["step", perItem(size, (i, of) => eulerStep(schedule, of(flow), of(xt), warped[i]!))],
      [
        "step_last",
        eulerStep(schedule, flow, xt, schedule.timesteps[999]!),
      ],
    ];
    for (const [name, actual] of cases) {
      const expected = await out(name);
      // A division by the smallest sigma makes values of several hundred.
      const scale = Math.max(1, expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0));
      assertLessOrEqual(difference(actual, expected) / scale, 1e-6, name);
    }
    const atT = indices.map((i) => weights[i]!);
    assertLessOrEqual(difference(atT, await out("training_weight")) / largest, 1e-6);
  });
}

Deno.test("indexOfTimestep() takes the nearest step, the first of two equally near", async () => {
  const expected = await (await golden("scheduler"))("out.shift5.index_of_integer_timestep");
  const schedule = flowSchedule({ shift: 5 });
  assertEquals(Array.from({ length: 1001 }, (_, t) => indexOfTimestep(schedule, t)), [...expected]);
  assertAlmostEquals(sigmaOf(schedule, 0), 0.00498008, 1e-7);
});

Deno.test("flowSchedule() follows the reference's other options", async () => {
  const read = await golden("scheduler");
  const cases = {
    default100: { shift: 3, steps: 100, sigmaMin: 0.003 / 1.002, extraOneStep: false },
    inverse20: {
      shift: 5,
      steps: 20,
      sigmaMin: 0.003 / 1.002,
      extraOneStep: false,
      inverseTimesteps: true,
    },
    reverse20: {
      shift: 5,
      steps: 20,
      sigmaMin: 0.003 / 1.002,
      extraOneStep: false,
      reverseSigmas: true,
    },
    strength20: { shift: 5, steps: 20, denoisingStrength: 0.6 },
  };
  for (const [name, options] of Object.entries(cases)) {
    const schedule = flowSchedule(options);
    assertLessOrEqual(difference(schedule.sigmas, await read(`out.${name}.sigmas`)), 1e-6, name);
    assertEquals(schedule.finalSigma, name.includes("verse") ? 1 : 0);
  }
});

Deno.test("flowSchedule() and warpSteps() refuse what they cannot do", () => {
  assertThrows(() => flowSchedule({ shift: 0 }), RangeError, "of shift 0: expected above 0");
  assertThrows(() => flowSchedule({ shift: NaN }), RangeError, "of shift NaN");
  assertThrows(() => flowSchedule({ shift: 5, steps: 0 }), RangeError, "of 0 steps");
  const schedule = flowSchedule({ shift: 5 });
  assertThrows(() => warpSteps(schedule, [1001]), RangeError, "cannot warp step 1001");
  assertThrows(() => warpSteps(schedule, [2.5]), RangeError, "whole number from 0 to 1000");
});
