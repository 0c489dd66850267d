import type { LaterPrompt, Prompt } from "../../pipeline/data.ts";
import type { CreateContext, RunContext, Stage } from "../../pipeline/stage.ts";
import { checkPrompt } from "../_prompt.ts";
import { createLanguageModel } from "./language_model.ts";
import type { ExtendPromptOptions } from "./options.ts";
import { toModelWording } from "./template.ts";

/** Gives the rewritten text; warns through `report`. */
type Extend = (text: string, context: RunContext) => string | Promise<string>;

/** @throws {UserError} if an option that the provider needs is missing */
export function createExtendPrompt(
  options: ExtendPromptOptions,
  context: Pick<CreateContext, "directory">,
): Stage<"prompt", "prompt"> {
  return new ExtendPrompt(options.provider, chooseProvider(options, context.directory));
}

class ExtendPrompt implements Stage<"prompt", "prompt"> {
  readonly name = "extend-prompt";
  readonly takes = "prompt";
  readonly gives = "prompt";
  readonly #provider: ExtendPromptOptions["provider"];
  readonly #extend: Extend;

  constructor(provider: ExtendPromptOptions["provider"], extend: Extend) {
    this.#provider = provider;
    this.#extend = extend;
  }

  async *process(
    input: AsyncIterable<Prompt>,
    context: RunContext,
  ): AsyncGenerator<Prompt, void> {
    for await (const prompt of input) {
      context.signal.throwIfAborted();
      checkPrompt(prompt);
      const text = await this.#extend(prompt.text, context);
      if (this.#provider !== "none") context.report({ type: "prompt", chunk: 0, text });
      const then: LaterPrompt[] = [];
      for (const later of prompt.then ?? []) {
        then.push({ ...later, text: await this.#extend(later.text, context) });
      }
      yield { ...prompt, text, ...(then.length > 0 && { then }) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Owns nothing.
  }
}

function chooseProvider(options: ExtendPromptOptions, directory: string): Extend {
  if (options.provider === "none") return (text) => text;
  if (options.provider === "template") {
    return (text, { report }) => {
      const { text: extended, warnings } = toModelWording(text);
      for (const message of warnings) report({ type: "warning", message });
      return extended;
    };
  }
  const model = createLanguageModel(options, directory);
  return async (text, { signal, report }) => {
    try {
      return await model.extend(text, signal);
    } catch (error) {
      if (options.fallback === "error" || signal.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      report({ type: "warning", message: `The prompt is used as it was written. ${reason}` });
      return text;
    }
  };
}
