import { wanContext } from "../../engine/networks/mod.ts";
import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { writeNetworks } from "../_export.ts";
import { exportedPrecision } from "../_precision.ts";
import { type DiffuseOptions, effective } from "./options.ts";
import { passGraph } from "./transformer.ts";
import { openTransformer } from "./weights.ts";

/**
 * The transformer's networks: `transformer-context`, once a prompt, and `transformer`, one pass over a chunk, or over
 * the whole clip where the network makes that at once; `transformer-first`, one over the first latent frame, where that
 * is a chunk of its own. LoRAs are merged into them.
 */
export async function exportDiffusion(
  options: DiffuseOptions,
  context: ExportContext,
): Promise<StageExport> {
  const run = effective(options);
  const { sizes, chunk, height, width, spatialFactor, independentFirstFrame } = run;
  const gives = [chunk, sizes.inDim, height / spatialFactor, width / spatialFactor];
  const first = independentFirstFrame && chunk !== 1 ? ["transformer-first"] : [];
  const names = ["transformer-context", ...first, "transformer"];
  if (!names.some((name) => context.wants(name))) return { networks: [], gives };
  const weights = await openTransformer(options, context.directory);
  const attention = options.attention === "composed" ? "composed" : "fused";
  const dtype = exportedPrecision(options.precision);
  const graphOf = (name: string) =>
    name === "transformer-context"
      ? wanContext(sizes, { dtype })
      : passGraph(run, name === "transformer" ? chunk : 1, attention, dtype);
  const networks = await writeNetworks(
    names.map((name) => ({ name, graph: graphOf(name), weights })),
    context,
  );
  return { networks, gives };
}
