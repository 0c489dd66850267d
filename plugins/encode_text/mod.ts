import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { encodeTextOptions, type EncodeTextSchema } from "./options.ts";

/** Turns a prompt into text embeddings by a UMT5 encoder. */
const encodeText: Plugin<"prompt", "conditioning", EncodeTextSchema> = definePlugin({
  name: "encode-text",
  summary: "Encodes the prompt's text with a UMT5 encoder.",
  takes: "prompt",
  gives: "conditioning",
  options: encodeTextOptions,
  async create(options, context) {
    const { TextStage } = await import("./stage.ts");
    return await TextStage.create(options, context);
  },
  async memory(options, context) {
    const { textMemory } = await import("./memory.ts");
    return await textMemory(options, context);
  },
  async exportNetworks(options, context) {
    const { exportText } = await import("./export.ts");
    return await exportText(options, context);
  },
});

export default encodeText;
