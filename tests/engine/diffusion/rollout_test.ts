import { assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "@std/assert";
import {
  type CausalModel,
  type ChunkPlan,
  type FewStepPass,
  fewStepUpdate,
  flowSchedule,
  planFewSteps,
  rollout,
  type RolloutNoise,
  type RolloutOptions,
} from "../../../engine/diffusion/mod.ts";
import { difference, golden } from "./_golden.ts";

const schedule = flowSchedule({ shift: 5 });
const passes = planFewSteps(schedule, [1000, 500], true);

/**
 * One value a frame; the flow pulls towards the mean of what the cache shows, and depends on the
 * timestep.
 */
class ToyModel implements CausalModel {
  readonly log: string[] = [];
  pull = 0.5;
  #cache: number[];
  #x = new Float32Array();

  constructor(window: number) {
    this.#cache = new Array(window).fill(NaN);
  }

  begin({ index }: ChunkPlan, noise: Float32Array): void {
    this.log.push(`begin ${index}`);
    this.#x = noise.slice();
  }

  denoise(chunk: ChunkPlan, pass: FewStepPass, noise: Float32Array | undefined): void {
    this.log.push(`pass ${chunk.index}.${pass.index}`);
    this.#write(chunk, pass.timestep);
    const seen = this.#cache.slice(0, chunk.visible);
    const mean = seen.reduce((a, b) => a + b) / seen.length;
    const flow = this.#x.map((x) => this.pull * (x - mean) + pass.timestep / 1000);
    this.#x = fewStepUpdate(this.#x, flow, pass.sigma, pass.nextSigma, noise) as Float32Array<
      ArrayBuffer
    >;
  }

  latents(): Float32Array {
    return this.#x;
  }

  remember(chunk: ChunkPlan, timestep: number): void {
    this.log.push(`remember ${chunk.index} at ${timestep}`);
    this.#write(chunk, timestep);
  }

  #write(chunk: ChunkPlan, timestep: number): void {
    for (const { offset, slot, frames } of chunk.slots) {
      for (let i = 0; i < frames; i++) this.#cache[slot + i] = this.#x[offset + i]! + timestep;
    }
  }
}

const noise: RolloutNoise = {
  initial: ({ frame, frames }) =>
    Float32Array.from({ length: frames }, (_, i) => Math.sin(frame + i)),
  renoise: ({ frame, frames }) =>
    Float32Array.from({ length: frames }, (_, i) => Math.cos(frame + i)),
};

function options(more: Partial<RolloutOptions> = {}): RolloutOptions {
  return { latentFrames: 12, chunk: 2, window: 5, sink: 1, passes, noise, ...more };
}

/** The same run, written as a plain loop over all frames ever made. */
function plainLoop(frames: number, chunk: number, window: number, sink: number): number[] {
  const done: number[] = [];
  for (let frame = 0; frame < frames; frame += chunk) {
    let x = Array.from({ length: chunk }, (_, i) => Math.fround(Math.sin(frame + i)));
    for (const [step, t] of [1000, 833.3333129882812].entries()) {
      const end = frame + chunk;
      const all = [...done, ...x.map((value) => value + t)];
      const seen = all.filter((_, f) => end <= window || f < sink || f >= end - window + sink);
      const mean = seen.reduce((a, b) => a + b) / seen.length;
      const x0 = x.map((x) => x - (0.5 * (x - mean) + t / 1000) * t / 1000);
      const next = 0.8333333129882812;
      x = step === 1 ? x0 : x0.map((x0, i) => (1 - next) * x0 + next * Math.cos(frame + i));
    }
    done.push(...x);
  }
  return done;
}

Deno.test("rollout() equals a plain loop over all frames", async () => {
  const model = new ToyModel(5);
  const made: number[] = [];
  for await (const chunk of rollout(model, options())) {
    assertEquals(chunk.frame, made.length);
    assertEquals(chunk.last, chunk.index === 5);
    made.push(...chunk.latents);
  }
  const expected = plainLoop(12, 2, 5, 1);
  assertLessOrEqual(difference(made, expected) / Math.max(...expected.map(Math.abs)), 1e-6);
  // Noise of the window or the order of the cache would show: the values differ from chunk to
  // chunk.
  assertEquals(new Set(made.map((x) => x.toFixed(3))).size, 12);
});

Deno.test("rollout() equals the reference's latents, given the reference's flows", async () => {
  const read = await golden("causal_wan");
  const all = await read("in.noise");
  const frame = 16 * 8 * 12;
  const plan = planFewSteps(schedule, [1000, 750, 500, 250], true);
  const renoises = new Map<string, Float32Array>();
  for (let c = 0; c < 4; c++) {
    for (let s = 0; s < 3; s++) renoises.set(`${c}.${s}`, await read(`in.renoise.${c}.${s}`));
  }
  let x = new Float32Array();
  const model: CausalModel = {
    begin: (_, noise) => void (x = noise.slice()),
    async denoise({ index }, pass, noise) {
      const flow = await read(`out.flow.${index}.${pass.index}`);
      const x0 = fewStepUpdate(x, flow, pass.sigma, 0);
      assertLessOrEqual(difference(x0, await read(`out.x0.${index}.${pass.index}`)), 1e-6);
      x = new Float32Array(fewStepUpdate(x, flow, pass.sigma, pass.nextSigma, noise));
      if (index === 0 && pass.index < 3) {
        assertLessOrEqual(difference(x, await read(`out.noisy.0.${pass.index + 1}`)), 1e-6);
      }
    },
    latents: () => x,
    remember: (_, timestep) => assertEquals(timestep, 0),
  };
  const made: number[] = [];
  const run = rollout(model, {
    latentFrames: 12,
    chunk: 3,
    window: 21,
    sink: 0,
    passes: plan,
    noise: {
      initial: (c) => all.subarray(c.frame * frame, (c.frame + c.frames) * frame),
      renoise: (c, pass) => renoises.get(`${c.index}.${pass.renoise}`)!,
    },
  });
  for await (const { latents } of run) made.push(...latents);
  assertLessOrEqual(difference(made, await read("out.latents")), 1e-6);
});

Deno.test("rollout() hands a chunk out before it remembers it, and never the last", async () => {
  const model = new ToyModel(5);
  const steps: string[] = [];
  const run = rollout(
    model,
    options({
      latentFrames: 4,
      contextNoise: 7,
      onStep: ({ chunk, step, steps: all }) => steps.push(`${chunk}: ${step}/${all}`),
    }),
  );
  await run.next();
  assertEquals(model.log, ["begin 0", "pass 0.0", "pass 0.1"]);
  await run.next();
  assertEquals(model.log.slice(3), ["remember 0 at 7", "begin 1", "pass 1.0", "pass 1.1"]);
  assertEquals((await run.next()).done, true);
  assertEquals(model.log.length, 7);
  assertEquals(steps, ["0: 1/2", "0: 2/2", "1: 1/2", "1: 2/2"]);
});

Deno.test("rollout() runs nothing more for a consumer who leaves", async () => {
  const model = new ToyModel(5);
  for await (const chunk of rollout(model, options({ latentFrames: 0 }))) {
    if (chunk.index === 2) break;
  }
  assertEquals(model.log.at(-1), "pass 2.1");
});

Deno.test("rollout() goes on without end where no length is given", async () => {
  const model = new ToyModel(5);
  let count = 0;
  for await (const chunk of rollout(model, options({ latentFrames: 0 }))) {
    assertEquals([chunk.frame, chunk.last], [count * 2, false]);
    if (++count === 300) break;
  }
  assertEquals(count, 300);
});

Deno.test("rollout() asks at chunk boundaries: wait, prepare, stop", async () => {
  const model = new ToyModel(5);
  const log = model.log;
  const run = rollout(
    model,
    options({
      latentFrames: 0,
      async proceed({ index }) {
        log.push(`wait ${index}`);
        await Promise.resolve();
        log.push(`go ${index}`);
        if (index === 2) return "stop";
      },
      prepare: ({ index }) => void log.push(`prepare ${index}`),
    }),
  );
  assertEquals((await Array.fromAsync(run)).length, 2);
  assertEquals(log, [
    ...["wait 0", "go 0", "prepare 0", "begin 0", "pass 0.0", "pass 0.1"],
    ...["wait 1", "go 1", "remember 0 at 0", "prepare 1", "begin 1", "pass 1.0", "pass 1.1"],
    ...["wait 2", "go 2"],
  ]);
});

Deno.test("rollout() rejects with the signal's reason within one pass", async () => {
  for (const moment of ["pass 1.0", "pass 1.1", "remember 0 at 0", "begin 0"]) {
    const model = new ToyModel(5);
    const controller = new AbortController();
    const log = model.log;
    const push = log.push.bind(log);
    log.push = (entry: string) => {
      if (entry === moment) controller.abort(new Error("enough"));
      return push(entry);
    };
    const run = rollout(model, options({ signal: controller.signal }));
    await assertRejects(() => Array.fromAsync(run), Error, "enough");
    assertEquals(log.at(-1), moment);
  }
});

Deno.test("rollout() refuses sizes that do not fit before anything runs", () => {
  const model = new ToyModel(5);
  assertThrows(
    () => rollout(model, options({ latentFrames: 13 })),
    RangeError,
    "cannot make 13 latent frames in chunks of 2: expected a multiple of 2, such as 12 or 14",
  );
  assertThrows(() => rollout(model, options({ sink: 4 })), RangeError, "got 6 > 5");
  assertThrows(() => rollout(model, options({ passes: [] })), RangeError, "in no passes");
  assertEquals(model.log, []);
});
