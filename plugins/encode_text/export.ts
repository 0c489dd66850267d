import { umt5Encoder } from "../../engine/networks/mod.ts";
import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { writeNetworks } from "../_export.ts";
import { openWeights } from "../_files.ts";
import { type TextModel, textModels } from "../_models.ts";
import type { EncodeTextOptions } from "./options.ts";

/** The text encoder's network: `text-encoder`. */
export async function exportText(
  options: EncodeTextOptions,
  context: ExportContext,
): Promise<StageExport> {
  if (!context.wants("text-encoder")) return { networks: [] };
  const { network } = options;
  const model: TextModel = textModels[network];
  const weights = await openWeights({
    option: "encode-text.weights",
    path: options.weights,
    builtIn: model.weights,
    network,
    directory: context.directory,
  });
  const graph = umt5Encoder({ ...model.sizes, ...options.sizes } as TextModel["sizes"]);
  return { networks: await writeNetworks([{ name: "text-encoder", graph, weights }], context) };
}
