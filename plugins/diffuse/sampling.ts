import {
  type FewStepPass,
  flowSchedule,
  type MultiStepPass,
  planFewSteps,
  planMultiSteps,
  stepsAt,
} from "../../engine/diffusion/mod.ts";
import type { EffectiveOptions } from "./options.ts";

/** The passes that a chunk is made in. */
export type Sampling =
  | {
    readonly kind: "few-step";
    readonly passes: readonly FewStepPass[];
    readonly guided: false;
  }
  | {
    readonly kind: "multi-step";
    readonly passes: readonly MultiStepPass[];
    readonly guidance: number;
    /** Whether the negative prompt has a part in it. */
    readonly guided: boolean;
  };

/**
 * Plans what the options, which are checked, say.
 *
 * @param strength how much of a clip is changed: below 1 the last steps alone are run, `stepsAt` says how many
 */
export function samplingOf(options: EffectiveOptions, strength = 1): Sampling {
  const { sampler, shift, steps, warpSteps, guidance } = options;
  if (sampler === "few-step") {
    const list = steps as readonly number[];
    const run = stepsAt(strength, list.length);
    const passes = planFewSteps(flowSchedule({ shift }), list, warpSteps, run);
    return { kind: "few-step", passes, guided: false };
  }
  const count = steps as number;
  const passes = planMultiSteps(sampler, count, shift, stepsAt(strength, count));
  return { kind: "multi-step", passes, guidance, guided: guidance !== 1 };
}
