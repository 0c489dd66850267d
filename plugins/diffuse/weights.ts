import { type Lora, mergeLoras, type WeightFile } from "../../engine/weights/mod.ts";
import { mending, openWeights } from "../_files.ts";
import { type DiffusionModel, diffusionModels } from "../_models.ts";
import { type DiffuseOptions, lorasOf } from "./options.ts";

/** The transformer's weights that options name, its LoRAs merged; relative paths start from `directory`. */
export async function openTransformer(
  options: DiffuseOptions,
  directory: string,
): Promise<WeightFile> {
  const { network } = options;
  const model: DiffusionModel = diffusionModels[network];
  const named = { network, directory };
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
  return await mending(() => mergeLoras(base, loras));
}
