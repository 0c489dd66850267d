/** A network that guesses, sampled in few steps with its latents in host memory between passes. */

import type { GuessingModel } from "./guided.ts";
import type { CausalModel } from "./rollout.ts";
import { addNoise } from "./schedule.ts";

/**
 * A model that a rollout can drive through the passes of `planFewSteps`: each guess becomes
 * `(1 − nextSigma) guess + nextSigma noise`, and the last stays as it is. It follows the positive
 * prompt alone.
 *
 * As `pipeline/bidirectional_inference.py:52-67` of guandeh17/Self-Forcing @ 33593df, which never
 * runs the last step of its list: that list without its last step is the same run here.
 */
export function fewStepModel(model: GuessingModel): CausalModel {
  let latents: Float32Array = new Float32Array();
  return {
    async begin(chunk, given) {
      latents = given;
      await model.begin(chunk);
    },
    async denoise(_chunk, pass, noise) {
      const guess = await model.guess(latents, pass, "positive");
      if (pass.nextSigma > 0 && noise?.length !== guess.length) {
        throw new TypeError(
          `cannot mix in noise: expected ${guess.length} values, got ${noise?.length ?? "none"}`,
        );
      }
      latents = pass.nextSigma > 0 ? addNoise(guess, noise!, pass.nextSigma) : guess;
    },
    latents: () => latents,
    remember: (_chunk, timestep) => model.remember(latents, timestep, "positive"),
  };
}
