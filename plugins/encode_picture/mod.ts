import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { encodePictureOptions, type EncodePictureSchema } from "./options.ts";

/**
 * Encodes the prompt's picture, or the end of its clip, to the latents that the video begins with; where there is a
 * strength, the clip from its beginning on, for the video to be made over it. A prompt without picture and clip goes
 * through as it is, and nothing is loaded for it.
 */
const encodePicture: Plugin<"conditioning", "conditioning", EncodePictureSchema> = definePlugin({
  name: "encode-picture",
  summary: "Encodes the prompt's picture or clip, for the video to go on from or to be made over.",
  takes: "conditioning",
  gives: "conditioning",
  options: encodePictureOptions,
  async create(options, context) {
    const { PictureStage } = await import("./stage.ts");
    return new PictureStage(options, context);
  },
  async memory(options, context) {
    const { encoderMemory } = await import("./memory.ts");
    return await encoderMemory(options, context);
  },
  async exportNetworks(options, context) {
    const { exportEncoder } = await import("./export.ts");
    return await exportEncoder(options, context);
  },
});

export default encodePicture;
