import { assertEquals } from "@std/assert";
import { rollout, type RolloutNoise } from "../../engine/diffusion/mod.ts";
import { assertClose, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";
import { FRAME, goldenPasses, type GoldenPlace, withGoldenModel } from "./_causal_wan.ts";

/** The runs of causal_wan_i2v.safetensors: what is given, and the chunks that come of it. */
const runs = {
  extend3: { latentFrames: 9, givenFrames: 3, independentFirstFrame: false, chunks: [3, 3, 3] },
  first1: { latentFrames: 7, givenFrames: 1, independentFirstFrame: true, chunks: [1, 3, 3] },
  first4: { latentFrames: 7, givenFrames: 4, independentFirstFrame: true, chunks: [1, 3, 3] },
  first_none: { latentFrames: 7, givenFrames: 0, independentFirstFrame: true, chunks: [1, 3, 3] },
} as const;

async function checkRun(
  name: keyof typeof runs,
  place: GoldenPlace,
  tolerance: number,
): Promise<void> {
  const golden = await Golden.open("causal_wan_i2v");
  const { chunks, ...length } = runs[name];
  const { givenFrames } = length;
  const initial = await golden.floats(`in.${name}.noise`);
  const given = givenFrames > 0 ? await golden.floats(`in.${name}.initial_latent`) : undefined;
  const begun: number[] = [];
  const further = await Promise.all(
    [0, 1, 2].map((i) => `in.${name}.renoise.${i}`)
      .filter((tensor) => golden.file.tensors.has(tensor)).map((tensor) => golden.floats(tensor)),
  );
  const noise: RolloutNoise = {
    initial({ frame, frames }) {
      begun.push(frame);
      const first = frame - givenFrames;
      return initial.slice(first * FRAME, (first + frames) * FRAME);
    },
    renoise({ frames }, { renoise }) {
      const at = renoise! * frames * FRAME;
      return further[begun.length - 1]!.slice(at, at + frames * FRAME);
    },
  };
  await withGoldenModel(golden, place, 21, async (model) => {
    await model.condition(await golden.floats("in.prompt_embeds"));
    const options = {
      ...length,
      ...(given && { given }),
      chunk: 3,
      window: 21,
      sink: 0,
      passes: goldenPasses,
      noise,
    };
    const made = await Array.fromAsync(rollout(model.during(), options));
    assertEquals(made.map(({ frames }) => frames), chunks);
    const latents = made.flatMap((chunk) => [...chunk.latents]);
    assertClose(latents, await golden.floats(`out.${name}.latents`), tolerance, name);
    // What was given is handed out as it is.
    assertEquals(latents.slice(0, givenFrames * FRAME), [...given ?? []]);
  });
}

for (const name of Object.keys(runs) as (keyof typeof runs)[]) {
  Deno.test(`given latents first, chunks of several lengths: ${name} agrees with the reference`, async () => {
    for (const threads of [1, 2]) await checkRun(name, { device: "cpu", threads }, 1e-4);
  });
}

Deno.test({
  name: "given latents first, chunks of several lengths: first4 agrees on webgpu",
  ignore: !await webgpuIsHere(),
  fn: () => checkRun("first4", { device: "webgpu", threads: 1 }, 1e-3),
});
