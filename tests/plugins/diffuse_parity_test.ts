import {
  type ChunkPlan,
  type RolloutNoise,
  slotOf,
  visibleFrames,
} from "../../engine/diffusion/mod.ts";
import { assertClose, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";
import { FRAME, runGolden } from "./_causal_wan.ts";

/** The noise of causal_wan.safetensors. */
async function wholeNoise(golden: Golden): Promise<RolloutNoise> {
  const initial = await golden.floats("in.noise");
  const further = await Promise.all(
    [0, 1, 2, 3].map((chunk) =>
      Promise.all([0, 1, 2].map((step) => golden.floats(`in.renoise.${chunk}.${step}`)))
    ),
  );
  return {
    initial: ({ frame, frames }) => initial.slice(frame * FRAME, (frame + frames) * FRAME),
    renoise: ({ index }, { renoise }) => further[index]![renoise!]!,
  };
}

/** The noise of causal_wan_local.safetensors. */
async function localNoise(golden: Golden): Promise<RolloutNoise> {
  const initial = await golden.floats("in.noise");
  const further = await golden.floats("in.renoise");
  return {
    initial: ({ frame, frames }: ChunkPlan) =>
      initial.slice(frame * FRAME, (frame + frames) * FRAME),
    renoise: ({ index }, { renoise }) => {
      const at = (index * 3 + renoise!) * 3 * FRAME;
      return further.slice(at, at + 3 * FRAME);
    },
  };
}

/** A ring cache in the reference's order: what it would have shifted to, frame by frame. */
function inReferenceOrder(
  cache: Float32Array,
  frames: number,
  tokens: number,
  window: number,
  sink: number,
): number[] {
  const perFrame = tokens * 48;
  return visibleFrames(frames, { window, sink }).flatMap((frame) => {
    const at = slotOf(frame, { window, sink }) * perFrame;
    return [...cache.subarray(at, at + perFrame)];
  });
}

async function checkWhole(device: string, threads: number, tolerance: number): Promise<void> {
  const golden = await Golden.open("causal_wan");
  const noise = await wholeNoise(golden);
  const run = { golden, latentFrames: 12, window: 21, sink: 0, noise, device, threads };
  const { latents, keys, values, tokens } = await runGolden(run);
  assertClose(latents, await golden.floats("out.latents"), tolerance, "latents");
  const written = 12 * tokens * 48;
  assertClose(keys.subarray(0, written), await golden.floats("out.kv.0.k"), tolerance, "keys");
  assertClose(values.subarray(0, written), await golden.floats("out.kv.0.v"), tolerance, "values");
}

for (const threads of [1, 2]) {
  Deno.test(`a whole run agrees with the reference, cache and all, at ${threads} threads`, () =>
    checkWhole("cpu", threads, 1e-4));
}

async function checkRolling(
  where: { readonly device: string; readonly threads: number },
  [window, sink]: readonly [number, number],
  tolerance: number,
): Promise<void> {
  const golden = await Golden.open("causal_wan_local");
  const run = { golden, latentFrames: 15, window, sink, noise: await localNoise(golden), ...where };
  const { latents, keys, values, tokens } = await runGolden(run);
  const name = `local${window}_sink${sink}`;
  assertClose(latents, await golden.floats(`out.${name}.latents`), tolerance, name);
  if (sink !== 3) return;
  for (const [part, cache] of [["k", keys], ["v", values]] as const) {
    assertClose(
      inReferenceOrder(cache, 15, tokens, window, sink),
      await golden.floats(`out.${name}.kv.0.${part}`),
      tolerance,
      `${name} ${part}`,
    );
  }
}

for (const threads of [1, 2]) {
  Deno.test(`rolling windows and sinks agree with the reference, whatever divides what, at ${threads} threads`, async () => {
    for (const sizes of [[6, 0], [6, 1], [6, 3], [9, 3]] as const) {
      await checkRolling({ device: "cpu", threads }, sizes, 1e-4);
    }
  });
}

Deno.test({
  name: "a rolling window with a sink agrees with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  fn: () => checkRolling({ device: "webgpu", threads: 1 }, [9, 3], 1e-3),
});

Deno.test({
  name: "a whole run agrees with the reference on webgpu, its cache in device memory",
  ignore: !await webgpuIsHere(),
  fn: () => checkWhole("webgpu", 1, 1e-3),
});
