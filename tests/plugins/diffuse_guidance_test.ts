import { assertEquals } from "@std/assert";
import { multiStepModel, planMultiSteps, rollout } from "../../engine/diffusion/mod.ts";
import { assertClose, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";
import { FRAME, type GoldenPlace, withGoldenModel } from "./_causal_wan.ts";

async function checkGuided(place: GoldenPlace, tolerance: number): Promise<void> {
  const golden = await Golden.open("cfg_samplers");
  const initial = await golden.floats("in.noise");
  const passes = planMultiSteps("unipc", 8, 5);
  assertEquals(
    passes.map((pass) => BigInt(pass.timestep)),
    [...await golden.integers("out.causal.timesteps")],
  );
  await withGoldenModel(golden, place, 21, async (model) => {
    const before = model.cacheBytes;
    await model.condition(await golden.floats("in.cond"));
    assertEquals(model.cacheBytes, before);
    await model.condition(await golden.floats("in.uncond"), undefined, "negative");
    assertEquals(model.cacheBytes, 2 * before);
    const latents: number[] = [];
    const run = rollout(multiStepModel(model.guessing(), 3), {
      latentFrames: 6,
      chunk: 3,
      window: 21,
      sink: 0,
      passes,
      noise: {
        initial: ({ frame, frames }) => initial.slice(frame * FRAME, (frame + frames) * FRAME),
        renoise: () => {
          throw new Error("no noise is mixed in");
        },
      },
    });
    for await (const chunk of run) latents.push(...chunk.latents);
    assertClose(latents, await golden.floats("out.causal.latents"), tolerance, "latents");
  });
}

for (const threads of [1, 2]) {
  Deno.test(`UniPC with guidance and two caches agrees with the reference, at ${threads} threads`, () =>
    checkGuided({ device: "cpu", threads }, 1e-4));
}

Deno.test({
  name: "UniPC with guidance and two caches agrees with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  fn: () => checkGuided({ device: "webgpu", threads: 1 }, 1e-3),
});
