import { wanContext } from "../../engine/networks/mod.ts";
import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { writeNetworks } from "../_export.ts";
import { exportedPrecision } from "../_precision.ts";
import { type DiffuseOptions, effective } from "./options.ts";
import { passGraph } from "./transformer.ts";
import { openTransformer } from "./weights.ts";

/**
 * The transformer's networks: `transformer-context`, once a prompt, and `transformer`, one pass over a chunk, or over the
 * whole clip where the network makes that at once.
 * LoRAs are merged into it.
 */
export async function exportDiffusion(
  options: DiffuseOptions,
  context: ExportContext,
): Promise<StageExport> {
  const run = effective(options);
  const { sizes, chunk, height, width, spatialFactor } = run;
  const gives = [chunk, sizes.inDim, height / spatialFactor, width / spatialFactor];
  if (!["transformer", "transformer-context"].some((name) => context.wants(name))) {
    return { networks: [], gives };
  }
  const weights = await openTransformer(options, context.directory);
  const attention = options.attention === "composed" ? "composed" : "fused";
  const dtype = exportedPrecision(options.precision);
  const networks = await writeNetworks([
    { name: "transformer-context", graph: wanContext(sizes, { dtype }), weights },
    { name: "transformer", graph: passGraph(run, chunk, attention, dtype), weights },
  ], context);
  return { networks, gives };
}
