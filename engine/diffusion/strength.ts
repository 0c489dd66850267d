/**
 * Video made over a clip: the clip's latents take the place of a part of the noise, and only the
 * last steps are run.
 *
 * As `pipelines/wan/pipeline_wan_video2video.py` (get_timesteps, prepare_latents) of
 * huggingface/diffusers @ 007f277, but that at least one step is run.
 */

import type { ChunkPlan } from "./chunks.ts";
import type { RolloutNoise } from "./noise.ts";
import type { RolloutPass } from "./pass.ts";
import { addNoise } from "./schedule.ts";

/**
 * How many of a sampler's steps are run, its last ones: `⌊strength · steps⌋`, at least one.
 *
 * @param strength how much is changed, above 0 and at most 1; 1 runs all steps
 * @param steps how many the sampler has
 */
export function stepsAt(strength: number, steps: number): number {
  if (!(strength > 0 && strength <= 1)) {
    throw new RangeError(
      `cannot change a clip by ${strength}: expected above 0 and at most 1, such as 0.6`,
    );
  }
  // A product such as 0.29 · 100 = 28.999… is meant as the whole number beside it.
  return Math.max(1, Math.floor(strength * steps + 1e-9));
}

/**
 * A rollout's noise over a clip: each chunk begins with
 * `(1 − sigma) latents + sigma noise`, of its own place in the clip.
 *
 * @param latents of the whole clip, frame after frame
 * @param frameSize values in one latent frame
 * @param sigma of the first step that is run
 */
export function noiseOver(
  noise: RolloutNoise,
  latents: Float32Array,
  frameSize: number,
  sigma: number,
): RolloutNoise {
  const over = ({ frame, frames }: ChunkPlan, drawn: Float32Array) =>
    addNoise(latents.subarray(frame * frameSize, (frame + frames) * frameSize), drawn, sigma);
  return {
    initial: (chunk) => over(chunk, noise.initial(chunk)),
    renoise: (chunk, pass) => noise.renoise(chunk, pass),
    ...(noise.draft && {
      draft(chunk: ChunkPlan, pass?: RolloutPass) {
        const drawn = noise.draft!(chunk, pass);
        if (pass !== undefined) return drawn;
        return { advance: () => drawn.advance(), finish: () => over(chunk, drawn.finish()) };
      },
    }),
  };
}
