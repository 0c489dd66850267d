import { causalWan, wanContext } from "../../engine/networks/mod.ts";
import { type Lora, mergeLoras } from "../../engine/weights/mod.ts";
import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { writeNetworks } from "../_export.ts";
import { mending, openWeights } from "../_files.ts";
import { type DiffusionModel, diffusionModels } from "../_models.ts";
import { type DiffuseOptions, effective, lorasOf } from "./options.ts";

/**
 * The transformer's networks: `transformer-context`, once a prompt, and `transformer`, one pass over a chunk.
 * LoRAs are merged into it.
 */
export async function exportDiffusion(
  options: DiffuseOptions,
  context: ExportContext,
): Promise<StageExport> {
  const { network } = options;
  const { sizes, chunk, height, width, spatialFactor } = effective(options);
  const shape = { frames: chunk, height: height / spatialFactor, width: width / spatialFactor };
  const gives = [chunk, sizes.inDim, shape.height, shape.width];
  if (!["transformer", "transformer-context"].some((name) => context.wants(name))) {
    return { networks: [], gives };
  }
  const named = { network, directory: context.directory };
  const model: DiffusionModel = diffusionModels[network];
  const base = await openWeights({
    option: "diffuse.weights",
    path: options.weights,
    builtIn: model.weights,
    ...named,
  });
  const loras: Lora[] = [];
  for (const { path, scale } of lorasOf(options)) {
    const request = { option: "diffuse.lora", path, builtIn: undefined, ...named };
    loras.push({ file: await openWeights(request), scale });
  }
  const weights = await mending(() => mergeLoras(base, loras));
  const attention = options.attention === "composed" ? "composed" : "fused";
  const networks = await writeNetworks([
    { name: "transformer-context", graph: wanContext(sizes), weights },
    { name: "transformer", graph: causalWan(sizes, shape, { attention }), weights },
  ], context);
  return { networks, gives };
}
