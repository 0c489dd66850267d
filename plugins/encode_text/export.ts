import { quantized } from "../../engine/weights/mod.ts";
import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { writeNetworks } from "../_export.ts";
import { openWeights } from "../_files.ts";
import { type TextModel, textModels } from "../_models.ts";
import { exportedForm } from "./form.ts";
import { textNetwork } from "./network.ts";
import type { EncodeTextOptions } from "./options.ts";

/** The text encoder's network: `text-encoder`. */
export async function exportText(
  options: EncodeTextOptions,
  context: ExportContext,
): Promise<StageExport> {
  if (!context.wants("text-encoder")) return { networks: [] };
  const { network, precision } = options;
  const model: TextModel = textModels[network];
  const weights = await openWeights({
    option: "encode-text.weights",
    path: options.weights,
    builtIn: model.weights,
    network,
    directory: context.directory,
  });
  const sizes = { ...model.sizes, ...options.sizes } as TextModel["sizes"];
  const { graph, forms } = textNetwork(sizes, exportedForm(precision));
  const file = forms.size > 0 ? quantized(weights, forms) : weights;
  return {
    networks: await writeNetworks([{ name: "text-encoder", graph, weights: file }], context),
  };
}
