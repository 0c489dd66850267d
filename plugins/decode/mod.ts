import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { decodeOptions, type DecodeSchema } from "./options.ts";

/** Turns latents into pictures, each chunk as soon as it is there. */
const decode: Plugin<"latents", "frames", DecodeSchema> = definePlugin({
  name: "decode",
  summary: "Decodes latents to pictures with TAEHV or Wan's own VAE, chunk by chunk.",
  takes: "latents",
  gives: "frames",
  options: decodeOptions,
  async create(options, context) {
    const { DecodeStage } = await import("./stage.ts");
    return await DecodeStage.create(options, context);
  },
  async memory(options, context) {
    const { decoderMemory } = await import("./memory.ts");
    return await decoderMemory(options, context);
  },
  async exportNetworks(options, context) {
    const { exportDecoder } = await import("./export.ts");
    return await exportDecoder(options, context);
  },
});

export default decode;
