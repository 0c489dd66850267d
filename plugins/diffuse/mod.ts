import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { diffuseOptions, type DiffuseSchema } from "./options.ts";

/**
 * Makes latents from noise with a Wan transformer. A causal one works chunk by chunk, in a few steps each, with a
 * KV cache of what came before, and a prompt that arrives during a run is followed from the next chunk on. A
 * bidirectional one makes the whole clip at once, in many steps with guidance.
 */
const diffuse: Plugin<"conditioning", "latents", DiffuseSchema> = definePlugin({
  name: "diffuse",
  summary:
    "Makes latents from noise with a Wan transformer, chunk by chunk or a whole clip at once.",
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
