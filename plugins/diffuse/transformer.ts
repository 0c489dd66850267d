/** A diffusion transformer on a device, whichever kind it is, and what its kind decides. */

import type { CausalModel, GuessingModel, PromptSide } from "../../engine/diffusion/mod.ts";
import { type AttentionKind, causalWan, type Precision, wan } from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import type { EffectiveOptions } from "./options.ts";

/** A transformer, loaded. One run at a time, one call at a time. */
export interface Transformer extends AsyncDisposable {
  /** Of the usual chunk's latents, `[frames, channels, height, width]`. */
  readonly latentsShape: readonly [frames: number, channels: number, height: number, width: number];
  /** The prompt of the passes to come. @param embeddings `[textLen, textDim]` */
  condition(embeddings: Float32Array, signal?: AbortSignal, side?: PromptSide): Promise<void>;
  /** The model as a rollout of few steps drives it, every pass given up when `signal` is aborted. */
  during(signal?: AbortSignal): CausalModel;
  /** The model as `multiStepModel` drives it, every pass given up when `signal` is aborted. */
  guessing(signal?: AbortSignal): GuessingModel;
}

/** The network of one pass over so many latent frames. */
export function passGraph(
  { kind, sizes, height, width, spatialFactor }: EffectiveOptions,
  frames: number,
  attention: AttentionKind,
  dtype: Precision,
): Graph {
  const shape = { frames, height: height / spatialFactor, width: width / spatialFactor };
  return kind === "causal"
    ? causalWan(sizes, shape, { attention, dtype })
    : wan(sizes, shape, { attention, dtype });
}
