import {
  type FewStepPass,
  flowSchedule,
  type MultiStepPass,
  planFewSteps,
  planMultiSteps,
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

/** Plans what the options, which are checked, say. */
export function samplingOf(options: EffectiveOptions): Sampling {
  const { sampler, shift, steps, warpSteps, guidance } = options;
  if (sampler === "few-step") {
    const passes = planFewSteps(flowSchedule({ shift }), steps as readonly number[], warpSteps);
    return { kind: "few-step", passes, guided: false };
  }
  const passes = planMultiSteps(sampler, steps as number, shift);
  return { kind: "multi-step", passes, guidance, guided: guidance !== 1 };
}
