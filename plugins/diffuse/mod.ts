import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { diffuseOptions, type DiffuseSchema } from "./options.ts";

/**
 * Makes latents from noise with a causal Wan: chunk by chunk, in a few steps each, with a KV cache of what
 * came before. A prompt that arrives during a run is followed from the next chunk on.
 */
const diffuse: Plugin<"conditioning", "latents", DiffuseSchema> = definePlugin({
  name: "diffuse",
  summary: "Makes latents from noise with a causal Wan transformer, a chunk at a time.",
  takes: "conditioning",
  gives: "latents",
  options: diffuseOptions,
  async create(options, context) {
    const { DiffuseStage } = await import("./stage.ts");
    return await DiffuseStage.create(options, context);
  },
  async memory(options, context) {
    const { diffusionMemory } = await import("./memory.ts");
    return await diffusionMemory(options, context);
  },
  async exportNetworks(options, context) {
    const { exportDiffusion } = await import("./export.ts");
    return await exportDiffusion(options, context);
  },
});

export default diffuse;
