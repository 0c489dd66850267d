import { tokensPerFrame, wanContext } from "../../engine/networks/mod.ts";
import { bytesPer } from "../../engine/tensor/mod.ts";
import type { MemoryContext, StageMemory } from "../../pipeline/memory.ts";
import { activationsOf, loadingOf, peek, weightsOf } from "../_memory.ts";
import { plannedPrecision } from "../_precision.ts";
import { type DiffuseOptions, effective } from "./options.ts";
import { samplingOf } from "./sampling.ts";
import { passGraph } from "./transformer.ts";

/** What a Wan holds: a causal one a cache too. */
export async function diffusionMemory(
  options: DiffuseOptions,
  context: MemoryContext,
): Promise<StageMemory> {
  const run = effective(options);
  const { kind, sizes, chunk, window, height, width, spatialFactor, independentFirstFrame } = run;
  const device = options.device ?? context.device;
  const cells = { height: height / spatialFactor, width: width / spatialFactor };
  const attention = options.attention === "composed" ? "composed" : "fused";
  const dtype = await plannedPrecision(device, options.precision);
  const graphOf = (frames: number) => passGraph(run, frames, attention, dtype);
  const step = graphOf(chunk);
  // Chunks of each length have a session, and each session weights of its own.
  const steps = independentFirstFrame && chunk !== 1 ? [step, graphOf(1)] : [step];
  const file = await peek(options.weights, run.weights, context.directory);
  // One prompt, and another where there is guidance, each with keys and values of every layer.
  const prompts = samplingOf(run).guided ? 2 : 1;
  const each = prompts * 2 * sizes.numLayers * sizes.dim * bytesPer(dtype);
  const rows = window * tokensPerFrame(sizes, cells);
  const two = prompts > 1 ? ", two prompts" : "";
  const cache = {
    name: "key-value cache",
    bytes: each * rows,
    detail: `${window} latent frames, ${rows} tokens, ${sizes.numLayers} layers, ${dtype}${two}`,
  };
  return {
    device,
    gives: [chunk, sizes.outDim, cells.height, cells.width],
    parts: [
      weightsOf("weights", [...steps, wanContext(sizes, { dtype })], file, { device }),
      ...loadingOf(steps, file, { device }),
      ...(kind === "causal" ? [cache] : []),
      {
        name: "text's keys and values",
        bytes: each * sizes.textLen,
        detail: `${sizes.textLen} tokens, ${sizes.numLayers} layers${two}`,
      },
      {
        name: "activations",
        bytes: activationsOf(step, device),
        ...(kind === "bidirectional" && { detail: `${chunk} latent frames at once` }),
        estimated: true,
      },
    ],
  };
}
