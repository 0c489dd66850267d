import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type CausalModel,
  type ChunkPlan,
  drawnNoise,
  type FewStepPass,
  fewStepUpdate,
  flowSchedule,
  type GuessingModel,
  multiStepModel,
  normalSource,
  planChunks,
  planFewSteps,
  planMultiSteps,
  rollout,
  type RolloutNoise,
  type RolloutOptions,
} from "../../../engine/diffusion/mod.ts";

const passes = planFewSteps(flowSchedule({ shift: 5 }), [1000, 500], true);

const noise: RolloutNoise = {
  initial: ({ frame, frames }) =>
    Float32Array.from({ length: frames }, (_, i) => Math.sin(frame + i)),
  renoise: ({ frame, frames }) =>
    Float32Array.from({ length: frames }, (_, i) => Math.cos(frame + i)),
};

/**
 * One value a frame. Its cache holds frame numbers beside values, so that tests see what a chunk saw;
 * what it writes depends on the prompt, which is a number.
 */
class ToyModel implements CausalModel {
  readonly log: string[] = [];
  /** Frames that the last pass of each chunk saw. */
  readonly seen: number[][] = [];
  prompt = 0;
  readonly #cache: { frame: number; value: number }[];
  #x = new Float32Array();

  constructor(window: number) {
    this.#cache = Array.from({ length: window }, () => ({ frame: NaN, value: NaN }));
  }

  begin({ index }: ChunkPlan, latents: Float32Array): void {
    this.log.push(`begin ${index}`);
    this.#x = latents.slice();
  }

  denoise(chunk: ChunkPlan, pass: FewStepPass, noise: Float32Array | undefined): void {
    const mean = this.#run(chunk, pass.timestep);
    const flow = this.#x.map((x) => 0.5 * (x - mean) + pass.timestep / 1000);
    this.#x = fewStepUpdate(this.#x, flow, pass.sigma, pass.nextSigma, noise) as Float32Array<
      ArrayBuffer
    >;
  }

  latents(): Float32Array {
    return this.#x;
  }

  remember(chunk: ChunkPlan, timestep: number): void {
    this.log.push(`remember ${chunk.index} at ${timestep}`);
    this.#run(chunk, timestep);
  }

  #run(chunk: ChunkPlan, timestep: number): number {
    for (const { offset, slot, frames } of chunk.slots) {
      for (let i = 0; i < frames; i++) {
        const value = this.#x[offset + i]! + timestep + this.prompt;
        this.#cache[slot + i] = { frame: chunk.frame + offset + i, value };
      }
    }
    const visible = this.#cache.slice(0, chunk.visible);
    this.seen[chunk.index] = visible.map(({ frame }) => frame).sort((a, b) => a - b);
    return visible.reduce((sum, { value }) => sum + value, 0) / visible.length;
  }
}

function options(more: Partial<RolloutOptions> = {}): RolloutOptions {
  return { latentFrames: 12, chunk: 2, window: 6, sink: 0, passes, noise, ...more };
}

async function latentsOf(model: CausalModel, more: Partial<RolloutOptions>): Promise<number[]> {
  const made: number[] = [];
  for await (const { latents } of rollout(model, options(more))) made.push(...latents);
  return made;
}

Deno.test("planChunks() gives the first frame a chunk of its own where that is asked for", () => {
  const run = { chunk: 3, window: 6, sink: 1, independentFirstFrame: true };
  const plans = [...planChunks({ ...run, latentFrames: 10, givenFrames: 4 })];
  assertEquals(plans.map(({ frame }) => frame), [0, 1, 4, 7]);
  assertEquals(plans.map(({ frames }) => frames), [1, 3, 3, 3]);
  assertEquals(plans.map(({ given }) => given), [true, true, false, false]);
  assertEquals(plans.map(({ last }) => last), [false, false, false, true]);
  assertEquals(plans.map(({ visible }) => visible), [1, 4, 6, 6]);
  assertEquals(plans[2]!.slots, [
    { offset: 0, slot: 4, frames: 2 },
    { offset: 2, slot: 1, frames: 1 },
  ]);
});

Deno.test("planChunks() refuses lengths that are no whole chunks, saying which would do", () => {
  const run = { chunk: 3, window: 9, sink: 0, latentFrames: 9 };
  const first = { ...run, independentFirstFrame: true };
  const cases = [
    [
      first,
      "make 9 latent frames in a first chunk of 1 and chunks of 3: expected 1 and a multiple of 3, such as 7 or 10",
    ],
    [
      { ...run, givenFrames: 4 },
      "begin with 4 given latent frames in chunks of 3: expected a multiple of 3, such as 3 or 6",
    ],
    [
      { ...first, latentFrames: 7, givenFrames: 3 },
      "begin with 3 given latent frames in a first chunk of 1",
    ],
    [
      { ...run, givenFrames: 9 },
      "make 9 latent frames of which 9 are given: expected at least one chunk more, 12 in all",
    ],
    [
      { ...run, givenFrames: -3 },
      "begin with -3 given latent frames: expected a whole number from 0",
    ],
  ] as const;
  for (const [length, message] of cases) {
    assertThrows(() => planChunks(length).next(), RangeError, `cannot ${message}`);
  }
});

Deno.test("rollout() hands given latents out as they are and remembers them at timestep 0", async () => {
  const model = new ToyModel(6);
  const given = new Float32Array([7, 8, 9, 10]);
  const asked: number[] = [];
  const steps: number[] = [];
  const made = await latentsOf(model, {
    latentFrames: 8,
    givenFrames: 4,
    given,
    contextNoise: 9,
    onStep: ({ chunk }) => steps.push(chunk),
    noise: {
      ...noise,
      initial(chunk) {
        asked.push(chunk.frame);
        return noise.initial(chunk);
      },
    },
  });
  assertEquals(made.slice(0, 4), [7, 8, 9, 10]);
  assertEquals([asked, steps], [[4, 6], [2, 2, 3, 3]]);
  assertEquals(model.log, [
    ...["begin 0", "remember 0 at 0", "begin 1", "remember 1 at 0"],
    ...["begin 2", "remember 2 at 9", "begin 3"],
  ]);
  assertEquals(model.seen[2], [0, 1, 2, 3, 4, 5]);
  // What comes after depends on what was given.
  const other = await latentsOf(new ToyModel(6), {
    latentFrames: 8,
    givenFrames: 4,
    given: new Float32Array([7, 8, 9, 0]),
    contextNoise: 9,
  });
  assert(Math.abs(other[4]! - made[4]!) > 0.1);
});

Deno.test("rollout() refuses given latents that are none or too many", () => {
  const model = new ToyModel(6);
  for (const given of [undefined, new Float32Array(3)]) {
    assertThrows(
      () => rollout(model, options({ givenFrames: 2, ...(given && { given }) })),
      TypeError,
      `cannot begin with 2 given latent frames: expected values for as many, got ${
        given?.length ?? "none"
      }`,
    );
  }
  assertThrows(
    () => rollout(model, options({ given: new Float32Array(2) })),
    TypeError,
    "cannot begin with 0 given latent frames",
  );
});

Deno.test("drawnNoise() draws none for given frames", () => {
  const plan = [...planChunks({ latentFrames: 6, givenFrames: 2, chunk: 2, window: 6, sink: 0 })];
  const drawn = drawnNoise(normalSource("mt19937", 1), 3, 6, 2);
  const plain = normalSource("mt19937", 1).normal(12);
  assertEquals(drawn.initial(plan[1]!), plain.subarray(0, 6));
  assertEquals(drawn.initial(plan[2]!), plain.subarray(6, 12));
});

Deno.test("rollout() fills the cache anew with the frames that it held, a pass a chunk", async () => {
  // Windows that chunks divide and do not, sinks that end within a chunk, a first chunk of one frame.
  const cases = [
    { window: 6, sink: 0 },
    { window: 7, sink: 0 },
    { window: 6, sink: 2 },
    { window: 7, sink: 1 },
    { window: 5, sink: 1, independentFirstFrame: true, latentFrames: 13 },
    { window: 20, sink: 0 },
  ];
  for (const more of cases) {
    const plain = new ToyModel(more.window);
    const expected = await latentsOf(plain, more);
    for (let at = 1; at < 6; at++) {
      // The same prompt, and a network whose keys depend on nothing but their own frame: no difference.
      const model = new ToyModel(more.window);
      const made = await latentsOf(model, {
        ...more,
        recache: ({ index }) => index === at || index === at + 1,
      });
      const context = JSON.stringify({ more, at });
      assertEquals(made, expected, context);
      assertEquals(model.seen.slice(at), plain.seen.slice(at), context);
    }
  }
});

Deno.test("rollout() fills the cache anew under the new prompt, and not without being asked", async () => {
  const run = async (recache: boolean) => {
    const model = new ToyModel(6);
    const latents = await latentsOf(model, {
      recache: ({ index }) => recache && index === 4,
      prepare: ({ index }) => {
        model.log.push(`prepare ${index}`);
        if (index === 4) model.prompt = 5;
      },
    });
    return { log: model.log, latents };
  };
  const [with_, without] = [await run(true), await run(false)];
  const at = with_.log.indexOf("prepare 4");
  // Three chunks in a window of six frames: three passes, and none to remember chunk 3 before them.
  assertEquals(with_.log.slice(at - 1, at + 8), [
    ...["begin 3", "prepare 4", "begin 1", "remember 1 at 0", "begin 2", "remember 2 at 0"],
    ...["begin 3", "remember 3 at 0", "begin 4"],
  ]);
  const plainAt = without.log.indexOf("prepare 4");
  assertEquals(without.log.slice(plainAt - 1, plainAt + 2), [
    ...["remember 3 at 0", "prepare 4", "begin 4"],
  ]);
  assertEquals(with_.latents.slice(0, 8), without.latents.slice(0, 8));
  assert(Math.abs(with_.latents[8]! - without.latents[8]!) > 0.1);
});

Deno.test("rollout() gives up between the passes that fill the cache anew", async () => {
  const model = new ToyModel(6);
  const controller = new AbortController();
  const remember = model.remember.bind(model);
  let passes = 0;
  model.remember = (chunk, timestep) => {
    if (++passes === 4) controller.abort(new Error("enough"));
    remember(chunk, timestep);
  };
  const run = latentsOf(model, { recache: ({ index }) => index === 3, signal: controller.signal });
  await assertRejects(() => run, Error, "enough");
  assertEquals(model.log.slice(-2), ["begin 1", "remember 1 at 0"]);
});

/** v = 0.3 x + what the side's cache shows. */
class ToyGuesser implements GuessingModel {
  readonly log: string[] = [];
  readonly pull = { positive: 0.25, negative: -0.5 };

  begin({ index }: ChunkPlan): void {
    this.log.push(`begin ${index}`);
  }

  guess(
    latents: Float32Array,
    { timestep, sigma }: { timestep: number; sigma: number },
    side: "positive" | "negative",
  ) {
    this.log.push(`${side} at ${timestep}`);
    return latents.map((x) => x - sigma * (0.3 * x + this.pull[side]));
  }

  remember(latents: Float32Array, timestep: number, side: "positive" | "negative"): void {
    this.log.push(`remember ${latents.length} ${side} at ${timestep}`);
  }
}

Deno.test("multiStepModel() asks both prompts in every pass, and remembers under both", async () => {
  const passes = planMultiSteps("unipc", 2, 5);
  const run = { latentFrames: 4, chunk: 2, window: 4, sink: 0, passes, noise };
  const guided = async (guidance: number, pull: ToyGuesser["pull"]) => {
    const toy = new ToyGuesser();
    Object.assign(toy.pull, pull);
    const made: number[] = [];
    for await (const chunk of rollout(multiStepModel(toy, guidance), run)) {
      made.push(...chunk.latents);
    }
    return { log: toy.log, made };
  };
  const pull = { positive: 0.25, negative: -0.5 };
  const both = await guided(3, pull);
  assertEquals(both.log, [
    ...["begin 0", "positive at 999", "negative at 999", "positive at 833", "negative at 833"],
    ...["remember 2 positive at 0", "remember 2 negative at 0"],
    ...["begin 1", "positive at 999", "negative at 999", "positive at 833", "negative at 833"],
  ]);
  const one = await guided(1, pull);
  assertEquals(one.log.filter((line) => line.includes("negative")), []);
  // Guidance 3 from −0.5 over 0.25 is a network that pulls by −0.5 + 3 · 0.75.
  const alike = await guided(1, { positive: 1.75, negative: 0 });
  both.made.forEach((value, i) => assert(Math.abs(value - alike.made[i]!) < 1e-6));
  assert(Math.abs(both.made[0]! - one.made[0]!) > 0.1);
});
