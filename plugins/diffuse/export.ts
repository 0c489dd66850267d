import { causalWan, wanContext } from "../../engine/networks/mod.ts";
import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { writeNetworks } from "../_export.ts";
import { type DiffuseOptions, effective } from "./options.ts";
import { openTransformer } from "./weights.ts";

/**
 * The transformer's networks: `transformer-context`, once a prompt, and `transformer`, one pass over a chunk.
 * LoRAs are merged into it.
 */
export async function exportDiffusion(
  options: DiffuseOptions,
  context: ExportContext,
): Promise<StageExport> {
  const { sizes, chunk, height, width, spatialFactor } = effective(options);
  const shape = { frames: chunk, height: height / spatialFactor, width: width / spatialFactor };
  const gives = [chunk, sizes.inDim, shape.height, shape.width];
  if (!["transformer", "transformer-context"].some((name) => context.wants(name))) {
    return { networks: [], gives };
  }
  const weights = await openTransformer(options, context.directory);
  const attention = options.attention === "composed" ? "composed" : "fused";
  const networks = await writeNetworks([
    { name: "transformer-context", graph: wanContext(sizes), weights },
    { name: "transformer", graph: causalWan(sizes, shape, { attention }), weights },
  ], context);
  return { networks, gives };
}
