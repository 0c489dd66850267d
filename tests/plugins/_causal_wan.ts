/** The causal Wan of the golden files, rolled out with the noise they hold. */

import {
  type ChunkPlan,
  flowSchedule,
  planChunks,
  planFewSteps,
  rollout,
  type RolloutNoise,
} from "../../engine/diffusion/mod.ts";
import type { WanConfig } from "../../engine/networks/mod.ts";
import { openDevice } from "../../engine/runtime/mod.ts";
import { CausalWanModel } from "../../plugins/diffuse/model.ts";
import type { Golden } from "../_golden.ts";

/** Values of a latent frame of the golden files. */
export const FRAME = 16 * 8 * 12;

/** Sizes of the golden networks. */
export const goldenSizes: WanConfig = {
  dim: 48,
  ffnDim: 128,
  numHeads: 3,
  numLayers: 3,
  freqDim: 32,
  textDim: 24,
  textLen: 12,
  inDim: 16,
  outDim: 16,
  patchSize: [1, 2, 2],
  eps: 1e-6,
};

/** Where a golden network runs. */
export interface GoldenPlace {
  readonly device: string;
  readonly threads: number;
}

/** Calls back with the golden network, loaded for chunks of 3 frames and closed afterwards. */
export async function withGoldenModel<T>(
  golden: Golden,
  { device: name, threads }: GoldenPlace,
  window: number,
  use: (model: CausalWanModel) => Promise<T>,
): Promise<T> {
  await using device = await openDevice(name, { threads });
  await using model = await CausalWanModel.load(device, golden.weights, {
    sizes: goldenSizes,
    chunk: { frames: 3, height: 8, width: 12 },
    window,
    attention: "auto",
  });
  return await use(model);
}

/** The four passes of the golden runs. */
export const goldenPasses = planFewSteps(flowSchedule({ shift: 5 }), [1000, 750, 500, 250], true);

/** What is rolled out. */
export interface GoldenRun extends GoldenPlace {
  readonly golden: Golden;
  readonly latentFrames: number;
  readonly window: number;
  readonly sink: number;
  readonly noise: RolloutNoise;
}

/** The latents of a run, and the keys and values of layer 0 frame by frame, oldest slot first. */
export interface GoldenResult {
  readonly latents: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly tokens: number;
}

/** Rolls the golden network out in chunks of 3 and remembers the last chunk too, as the reference does. */
export function runGolden(run: GoldenRun): Promise<GoldenResult> {
  const { golden, latentFrames, window, sink, noise } = run;
  const length = { latentFrames, chunk: 3, window, sink };
  return withGoldenModel(golden, run, window, async (model) => {
    await model.condition(await golden.floats("in.prompt_embeds"));
    const driven = model.during();
    const latents: number[] = [];
    for await (const chunk of rollout(driven, { ...length, passes: goldenPasses, noise })) {
      latents.push(...chunk.latents);
    }
    const last = [...planChunks(length)].at(-1) as ChunkPlan;
    await driven.remember(last, 0);
    return {
      latents: new Float32Array(latents),
      keys: await model.readCache(0, "k") as Float32Array,
      values: await model.readCache(0, "v") as Float32Array,
      tokens: 24,
    };
  });
}
