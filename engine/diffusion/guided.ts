/** A causal network under two prompts, sampled in many steps. */

import type { ChunkPlan } from "./chunks.ts";
import {
  guide,
  type MultiStepPass,
  multiStepStart,
  type MultiStepState,
  multiStepUpdate,
} from "./multi_step.ts";
import type { CausalModel } from "./rollout.ts";

/** Which prompt a pass follows; each has a KV cache of its own. */
export type PromptSide = "positive" | "negative";

/** A causal network that tells what clean latents it sees in noisy ones. */
export interface GuessingModel {
  /** A new chunk comes, or a finished one again. */
  begin(chunk: ChunkPlan): Promise<void> | void;
  /**
   * Runs the network on the chunk's latents, writing its keys and values to the side's cache.
   *
   * @returns `latents − sigma flow`
   */
  guess(
    latents: Float32Array,
    pass: Pick<MultiStepPass, "timestep" | "sigma">,
    side: PromptSide,
  ): Promise<Float32Array> | Float32Array;
  /** Runs the network on clean latents for their keys and values alone. */
  remember(latents: Float32Array, timestep: number, side: PromptSide): Promise<void> | void;
}

/**
 * A model that a rollout can drive through the passes of `planMultiSteps`. Latents are in host
 * memory between passes, where the solver's sums are made.
 *
 * @param guidance how far beyond the negative prompt's guess; 1 leaves the negative prompt out, and
 *   half of the passes with it
 */
export function multiStepModel(
  model: GuessingModel,
  guidance: number,
): CausalModel<Float32Array, MultiStepPass> {
  const sides: readonly PromptSide[] = guidance === 1 ? ["positive"] : ["positive", "negative"];
  let state: MultiStepState = multiStepStart(new Float32Array());
  return {
    async begin(chunk, latents) {
      state = multiStepStart(latents);
      await model.begin(chunk);
    },
    async denoise(_chunk, pass) {
      const guesses: Float32Array[] = [];
      for (const side of sides) guesses.push(await model.guess(state.latents, pass, side));
      const [positive, negative] = guesses as [Float32Array, Float32Array?];
      const guess = negative ? guide(positive, negative, guidance) : positive;
      state = multiStepUpdate(state, guess, pass);
    },
    latents: () => state.latents,
    async remember(_chunk, timestep) {
      for (const side of sides) await model.remember(state.latents, timestep, side);
    },
  };
}
