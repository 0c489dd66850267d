import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { extendPromptOptions, type ExtendPromptSchema } from "./options.ts";

/**
 * Rewrites the prompt before it is encoded: not at all, into the wording that the embedded model
 * was trained on, or by a language model into the long description that the large models want.
 */
const extendPrompt: Plugin<"prompt", "prompt", ExtendPromptSchema> = definePlugin({
  name: "extend-prompt",
  summary: "Rewrites a prompt: into the embedded model's wording, or by a language model.",
  takes: "prompt",
  gives: "prompt",
  options: extendPromptOptions,
  async create(options, context) {
    const { createExtendPrompt } = await import("./stage.ts");
    return createExtendPrompt(options, context);
  },
});

export default extendPrompt;
