import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  type ChunkPlan,
  drawnNoise,
  flowSchedule,
  noiseOver,
  planFewSteps,
  planMultiSteps,
  stepsAt,
} from "../../../engine/diffusion/mod.ts";

Deno.test("stepsAt() rounds down, and runs at least one step", () => {
  const cases = [
    [1, 4, 4],
    [0.99, 4, 3],
    [0.75, 4, 3],
    [0.74, 4, 2],
    [0.5, 4, 2],
    [0.2, 4, 1],
    [0.01, 4, 1],
    [0.6, 50, 30],
    [0.29, 100, 29],
    [0.07, 100, 7],
    [0.5, 1, 1],
  ] as const;
  for (const [strength, steps, run] of cases) {
    assertEquals(stepsAt(strength, steps), run, `${strength} of ${steps}`);
  }
  for (const strength of [0, -1, 1.01, NaN, Infinity]) {
    assertThrows(() => stepsAt(strength, 4), RangeError, `cannot change a clip by ${strength}`);
  }
});

Deno.test("planFewSteps() runs the last steps of its list, counted anew", () => {
  const schedule = flowSchedule({ shift: 5 });
  const all = planFewSteps(schedule, [1000, 750, 500, 250], true);
  const last = planFewSteps(schedule, [1000, 750, 500, 250], true, 2);
  const levels = (
    { timestep, sigma, nextSigma }: typeof all[number],
  ) => [timestep, sigma, nextSigma];
  assertEquals(last.map(levels), all.slice(2).map(levels));
  assertEquals(last.map(({ index, renoise }) => [index, renoise]), [[0, 0], [1, undefined]]);
  assertEquals(planFewSteps(schedule, [1000, 750, 500, 250], true, 4), all);
  for (const run of [0, 5, 1.5]) {
    assertThrows(
      () => planFewSteps(schedule, [1000, 750, 500, 250], true, run),
      RangeError,
      `cannot run the last ${run} of 4 steps: expected a whole number from 1 to 4`,
    );
  }
});

Deno.test("planMultiSteps() enters the schedule without the steps that are left out", () => {
  for (const solver of ["unipc", "dpmpp"] as const) {
    const all = planMultiSteps(solver, 10, 5);
    const last = planMultiSteps(solver, 10, 5, 4);
    assertEquals(last.map(({ index }) => index), [0, 1, 2, 3]);
    assertEquals(last.map(({ sigma }) => sigma), all.slice(6).map(({ sigma }) => sigma));
    assertEquals(
      last.map(({ timestep }) => timestep),
      all.slice(6).map(({ timestep }) => timestep),
    );
    // Nothing was guessed before the first: it is of first order, with all the pull on its own guess.
    const [pull, none] = last[0]!.predict.guesses;
    assertEquals(none, 0);
    assertAlmostEquals(pull!, all[6]!.predict.guesses[0]! + all[6]!.predict.guesses[1]!, 1e-12);
    assertEquals(last[0]!.correct, undefined);
    // The second looks back one step as it always does.
    assertEquals(last[1]!.predict, all[7]!.predict);
    assertEquals(last.slice(2).map(({ predict, correct }) => [predict, correct]), [
      ...all.slice(8).map(({ predict, correct }) => [predict, correct]),
    ]);
    // Its correction is that of a step of first order: half of each guess.
    if (solver === "unipc") {
      const [newest, older, oldest] = last[1]!.correct!.guesses;
      assertEquals([newest, oldest], [older, 0]);
    }
    assertEquals(planMultiSteps(solver, 10, 5, 10), all);
    assertThrows(() => planMultiSteps(solver, 10, 5, 0), RangeError, "cannot run the last 0 of 10");
  }
});

Deno.test("noiseOver() mixes each chunk's noise with its own part of the clip", () => {
  const clip = Float32Array.from({ length: 12 }, (_, i) => i);
  const asked: number[] = [];
  const noise = {
    initial: ({ frame, frames }: ChunkPlan) => {
      asked.push(frame);
      return new Float32Array(frames * 2).fill(-8);
    },
    renoise: () => Float32Array.of(7),
  };
  const over = noiseOver(noise, clip, 2, 0.25);
  const chunk = (frame: number, frames: number) => ({ frame, frames }) as ChunkPlan;
  assertEquals([...over.initial(chunk(0, 1))], [-2, -1.25]);
  assertEquals([...over.initial(chunk(4, 2))], [4, 4.75, 5.5, 6.25]);
  assertEquals(asked, [0, 4]);
  assertEquals([...over.renoise(chunk(4, 2), { index: 0, renoise: 0 })], [7]);
});

Deno.test("noiseOver() can be made ahead where the noise under it can", () => {
  const clip = Float32Array.from({ length: 12 }, (_, i) => i);
  const source = { normal: (count: number) => new Float32Array(count).fill(-8) };
  const over = noiseOver(drawnNoise(source, 2, 0), clip, 2, 0.25);
  const chunk = { frame: 4, frames: 2 } as ChunkPlan;
  assertEquals([...over.draft!(chunk).finish()], [4, 4.75, 5.5, 6.25]);
  assertEquals([...over.draft!(chunk, { index: 0, renoise: 0 }).finish()], [-8, -8, -8, -8]);
  const undrafted = { initial: () => new Float32Array(4), renoise: () => new Float32Array(4) };
  assertEquals(noiseOver(undrafted, clip, 2, 0.25).draft, undefined);
});
