import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type CausalModel,
  drawnNoise,
  flowSchedule,
  normalSource,
  planFewSteps,
  rollout,
  type RolloutNoise,
  type RolloutOptions,
} from "../../../engine/diffusion/mod.ts";

const passes = planFewSteps(flowSchedule({ shift: 5 }), [1000, 750, 500], true);

function options(noise: RolloutNoise, more: Partial<RolloutOptions> = {}): RolloutOptions {
  return { latentFrames: 8, chunk: 2, window: 4, sink: 0, passes, noise, ...more };
}

/** A network that takes its time, or none, and is told all that the rollout tells. */
class TimedModel implements CausalModel {
  readonly log: string[] = [];
  readonly noises: Float32Array[] = [];
  readonly #work: () => Promise<void> | void;

  constructor(work: () => Promise<void> | void) {
    this.#work = work;
  }

  begin(_: unknown, latents: Float32Array): void {
    this.noises.push(latents);
  }

  denoise(
    { index }: { index: number },
    pass: { index: number },
    noise?: Float32Array,
  ): Promise<void> | void {
    this.log.push(`pass ${index}.${pass.index}`);
    if (noise) this.noises.push(noise);
    return this.#work();
  }

  latents(): Float32Array {
    return new Float32Array();
  }

  remember({ index }: { index: number }): Promise<void> | void {
    this.log.push(`remember ${index}`);
    return this.#work();
  }
}

/** Waits for whatever is due by now, many times. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Noise in drafts of two turns each, which tell the log when they are begun, made and asked for. */
function logged(log: string[]): RolloutNoise {
  const never = () => {
    throw new Error("cannot be asked at once");
  };
  return {
    initial: never,
    renoise: never,
    draft({ index }, pass) {
      const name = `${index}.${pass?.renoise ?? "initial"}`;
      let left = 2;
      log.push(`begin ${name}`);
      const advance = () => {
        if (left > 0 && --left === 0) log.push(`made ${name}`);
        return left > 0;
      };
      const finish = () => {
        while (advance());
        log.push(`take ${name}`);
        return new Float32Array();
      };
      return { advance, finish };
    },
  };
}

Deno.test("rollout() makes the next noise while the network computes, two ahead at most", async () => {
  const model = new TimedModel(turns);
  const { log } = model;
  await Array.fromAsync(rollout(model, options(logged(log), { latentFrames: 4 })));
  const made = (name: string) => [`begin ${name}`, `made ${name}`];
  assertEquals(log, [
    ...[...made("0.initial"), "take 0.initial", ...made("0.0"), "take 0.0"],
    ...["pass 0.0", ...made("0.1"), ...made("1.initial")],
    ...["take 0.1", "pass 0.1", ...made("1.0")],
    "pass 0.2",
    "remember 0",
    ...["take 1.initial", "take 1.0", "pass 1.0", ...made("1.1")],
    ...["take 1.1", "pass 1.1", "pass 1.2"],
  ]);
});

Deno.test("rollout() adds the same noise however long the network takes", async () => {
  const size = 9000;
  const some = async () => {
    if (model.log.length % 2) await turns();
    else await Promise.resolve();
  };
  let model: TimedModel;
  for (const kind of ["philox", "mt19937"] as const) {
    for (const latentFrames of [0, 8]) {
      const { draft: _, ...atOnce } = drawnNoise(normalSource(kind, 5), size, latentFrames);
      const noises: Float32Array[][] = [];
      for (const [i, work] of [() => {}, () => Promise.resolve(), turns, some].entries()) {
        const noise = i === 0 ? atOnce : drawnNoise(normalSource(kind, 5), size, latentFrames);
        model = new TimedModel(work);
        const run = rollout(model, options(noise, { latentFrames, recache: () => i === 3 }));
        // A pause between chunks, and an end before the run's.
        for await (const { index } of run) {
          if (index === 1) await turns();
          if (index === 2) break;
        }
        noises.push(model.noises.filter((values) => values.length > 0));
      }
      assertEquals(noises[0]!.map(({ length }) => length), Array(9).fill(2 * size));
      for (const others of noises.slice(1)) assertEquals(others, noises[0]);
    }
  }
});

Deno.test("rollout() leaves no timer behind, and rejects with what noise made ahead throws", async () => {
  const model = new TimedModel(turns);
  const noise = logged(model.log);
  const failing: RolloutNoise = {
    ...noise,
    draft(chunk, pass) {
      if (pass?.renoise === 1) throw new Error("no more noise");
      return noise.draft!(chunk, pass);
    },
  };
  await assertRejects(
    () => Array.fromAsync(rollout(model, options(failing))),
    Error,
    "no more noise",
  );
  assertEquals(model.log.at(-1), "pass 0.0");

  // A network that fails at once while a draft is due.
  const broken = new TimedModel(() => Promise.reject(new Error("no network")));
  const run = rollout(broken, options(logged(broken.log)));
  await assertRejects(() => Array.fromAsync(run), Error, "no network");
  const before = broken.log.length;
  await turns();
  assertEquals(broken.log.length, before);
  assert(broken.log.includes("take 0.0"));
});
