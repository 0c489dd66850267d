/** The golden Wans in float16, against the reference. */

import type { ChunkPlan, RolloutNoise } from "../../engine/diffusion/mod.ts";
import { rollout } from "../../engine/diffusion/mod.ts";
import {
  causalWanSequence,
  type CausalWanSequenceOptions,
  type Precision,
  rotaryTables,
  timestepSinusoid,
  wan,
  wanContext,
} from "../../engine/networks/mod.ts";
import { CausalWanModel } from "../../plugins/diffuse/model.ts";
import { Golden } from "../_golden.ts";
import { FRAME, goldenPasses, goldenSizes } from "../plugins/_causal_wan.ts";
import { type CasePlace, type Compared, onRounding, run } from "./_compare.ts";

const sinusoids = (timesteps: Iterable<number>) =>
  Float32Array.from([...timesteps].flatMap((t) => [...timestepSinusoid(t, goldenSizes.freqDim)]));

async function context(golden: Golden, name: string, dtype: Precision, place: CasePlace) {
  const embeddings = await golden.floats(name);
  return await run(
    wanContext(goldenSizes, { dtype }),
    { embeddings },
    { weights: golden.weights },
    place,
  );
}

const clip = (frames: number) => ({ frames, height: 8, width: 12 });
const places = (frames: number) => rotaryTables({ firstFrame: 0, frames, rows: 4, columns: 6 }, 16);

export async function bidirectional(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("bidirectional_wan");
  const [timestep] = await golden.floats("in.timestep");
  const inputs = {
    latents: await golden.floats("in.x"),
    time: sinusoids([timestep!]),
    ...places(6),
    ...await context(golden, "in.cond", dtype, place),
  };
  const graph = wan(goldenSizes, clip(6), { dtype, attention: place.attention });
  const { flow } = await run(graph, inputs, { weights: golden.weights }, place);
  return {
    actual: flow as Float32Array,
    expected: await golden.floats("out.bidirectional.cond_flow"),
  };
}

export async function sequence(
  name: string,
  options: CausalWanSequenceOptions,
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("bidirectional_wan");
  const own = (part: string) => `in.${name}.${part}`;
  const timesteps = await golden.floats(own("timestep"));
  const frames = timesteps.length;
  const { tensors } = golden.file;
  const graph = causalWanSequence(goldenSizes, clip(frames), {
    ...options,
    dtype,
    attention: place.attention,
  });
  const { flow } = await run(
    graph,
    {
      latents: await golden.floats(tensors.has(own("x")) ? own("x") : "in.x"),
      time: sinusoids(timesteps),
      ...places(frames),
      ...await context(golden, "in.cond", dtype, place),
      ...(options.teacherForcing && {
        clean: await golden.floats(own("clean_x")),
        "clean-time": sinusoids(new Float32Array(frames)),
      }),
    },
    { weights: golden.weights },
    place,
  );
  return { actual: flow as Float32Array, expected: await golden.floats(`out.${name}.flow`) };
}

/** Keys and values of the text. The golden files do not hold them: the float32 graph gives what is expected. */
export async function texts(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("bidirectional_wan");
  const all = async (dtype: Precision, place: CasePlace) =>
    Object.values(await context(golden, "in.cond", dtype, place)).flatMap((
      data,
    ) => [...data as Float32Array]);
  return { actual: await all(dtype, place), expected: await all("float32", onRounding) };
}

async function rolledOut(
  golden: Golden,
  place: CasePlace,
  dtype: Precision,
  run: {
    readonly latentFrames: number;
    readonly window: number;
    readonly sink: number;
    readonly noise: RolloutNoise;
  },
): Promise<Float32Array> {
  await using device = await place.open(1);
  await using model = await CausalWanModel.load(device, golden.weights, {
    sizes: goldenSizes,
    chunk: clip(3),
    window: run.window,
    attention: place.attention,
    precision: dtype,
  });
  await model.condition(await golden.floats("in.prompt_embeds"));
  const latents: number[] = [];
  for await (const chunk of rollout(model.during(), { ...run, chunk: 3, passes: goldenPasses })) {
    latents.push(...chunk.latents);
  }
  return new Float32Array(latents);
}

export async function wholeRun(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("causal_wan");
  const initial = await golden.floats("in.noise");
  const further = await Promise.all(
    [0, 1, 2, 3].map((chunk) =>
      Promise.all([0, 1, 2].map((step) => golden.floats(`in.renoise.${chunk}.${step}`)))
    ),
  );
  const actual = await rolledOut(golden, place, dtype, {
    latentFrames: 12,
    window: 21,
    sink: 0,
    noise: {
      initial: ({ frame, frames }) => initial.slice(frame * FRAME, (frame + frames) * FRAME),
      renoise: ({ index }, { renoise }) => further[index]![renoise!]!,
    },
  });
  return { actual, expected: await golden.floats("out.latents") };
}

export async function localRun(
  window: number,
  sink: number,
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("causal_wan_local");
  const initial = await golden.floats("in.noise");
  const further = await golden.floats("in.renoise");
  const actual = await rolledOut(golden, place, dtype, {
    latentFrames: 15,
    window,
    sink,
    noise: {
      initial: ({ frame, frames }: ChunkPlan) =>
        initial.slice(frame * FRAME, (frame + frames) * FRAME),
      renoise: ({ index }, { renoise }) => {
        const at = (index * 3 + renoise!) * 3 * FRAME;
        return further.slice(at, at + 3 * FRAME);
      },
    },
  });
  return { actual, expected: await golden.floats(`out.local${window}_sink${sink}.latents`) };
}
