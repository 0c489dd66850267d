import { assertEquals } from "@std/assert";
import { openDevice } from "../../engine/runtime/mod.ts";
import { BidirectionalWanModel } from "../../plugins/diffuse/bidirectional_model.ts";
import { multiStepModel, planMultiSteps, rollout } from "../../engine/diffusion/mod.ts";
import { assertClose, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";
import { FRAME, type GoldenPlace, goldenSizes, withGoldenModel } from "./_causal_wan.ts";

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

async function checkBidirectional(place: GoldenPlace, tolerance: number): Promise<void> {
  const golden = await Golden.open("cfg_samplers");
  const initial = await golden.floats("in.noise");
  const passes = planMultiSteps("unipc", 8, 8);
  assertEquals(
    passes.map((pass) => BigInt(pass.timestep)),
    [...await golden.integers("out.bidirectional.timesteps")],
  );
  await using device = await openDevice(place.device, { threads: place.threads });
  await using model = await BidirectionalWanModel.load(device, golden.weights, {
    sizes: goldenSizes,
    clip: { frames: 6, height: 8, width: 12 },
    attention: "auto",
  });
  await model.condition(await golden.floats("in.cond"));
  await model.condition(await golden.floats("in.uncond"), undefined, "negative");
  const noise = { initial: () => initial, renoise: () => initial };
  const whole = { latentFrames: 6, chunk: 6, window: 6, sink: 0, passes, noise };
  const [clip] = await Array.fromAsync(rollout(multiStepModel(model.guessing(), 3), whole));
  assertClose(
    clip!.latents,
    await golden.floats("out.bidirectional.latents"),
    tolerance,
    "latents",
  );
}

for (const threads of [1, 2]) {
  Deno.test(`bidirectional UniPC with guidance agrees with the reference, at ${threads} threads`, () =>
    checkBidirectional({ device: "cpu", threads }, 1e-4));
}

Deno.test({
  name: "bidirectional UniPC with guidance agrees with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  fn: () => checkBidirectional({ device: "webgpu", threads: 1 }, 1e-3),
});
