import { openStageDevice } from "../_devices.ts";
import type { Conditioning, CreateContext, Prompt, RunContext, Stage } from "../../pipeline/mod.ts";
import type { LaterConditioning } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/mod.ts";
import { locate, mending, openWeights } from "../_files.ts";
import { type TextModel, textModels } from "../_models.ts";
import { checkPrompt } from "../_prompt.ts";
import type { EncodeTextOptions } from "./options.ts";
import { openTokenizer, TextEncoder, tokenize } from "./text_encoder.ts";

/** Encodes every prompt that comes. */
export class TextStage implements Stage<"prompt", "conditioning"> {
  readonly name = "encode-text";
  readonly takes = "prompt";
  readonly gives = "conditioning";
  readonly #stack: AsyncDisposableStack;
  readonly #encoder: TextEncoder;
  readonly #tokenizer: Awaited<ReturnType<typeof openTokenizer>>;
  readonly #sizes: TextModel["sizes"];
  /** The negative prompt where the prompt has none. */
  readonly #negative: string | undefined;
  /** Embeddings of the last negative prompt: it hardly ever changes. */
  #lastNegative: { readonly text: string; readonly embeddings: Float32Array } | undefined;

  private constructor(
    stack: AsyncDisposableStack,
    encoder: TextEncoder,
    tokenizer: Awaited<ReturnType<typeof openTokenizer>>,
    sizes: TextModel["sizes"],
    negative: string | undefined,
  ) {
    this.#stack = stack;
    this.#encoder = encoder;
    this.#tokenizer = tokenizer;
    this.#sizes = sizes;
    this.#negative = negative;
  }

  static async create(options: EncodeTextOptions, context: CreateContext): Promise<TextStage> {
    const { network } = options;
    const { directory, signal } = context;
    const model: TextModel = textModels[network];
    const sizes = { ...model.sizes, ...options.sizes } as TextModel["sizes"];
    const named = { network, directory };
    const weights = await openWeights({
      ...named,
      option: "encode-text.weights",
      path: options.weights,
      builtIn: model.weights,
    });
    const tokenizerPath = locate({
      ...named,
      option: "encode-text.tokenizer",
      path: options.tokenizer,
      builtIn: model.tokenizer,
    });
    await using stack = new AsyncDisposableStack();
    const device = stack.use(
      await openStageDevice({ ...options, threads: options.threads ?? 1 }, context),
    );
    const [encoder, tokenizer] = await Promise.all([
      mending(() => TextEncoder.load(device, sizes, weights, signal)),
      openTokenizer(tokenizerPath).catch((error) => {
        throw new UserError(error.message, { cause: error });
      }),
    ]);
    stack.use(encoder);
    return new TextStage(stack.move(), encoder, tokenizer, sizes, options.negative);
  }

  async *process(
    prompts: AsyncIterable<Prompt>,
    context: RunContext,
  ): AsyncGenerator<Conditioning> {
    const { textLen, dim } = this.#sizes;
    for await (const prompt of prompts) {
      const negative = prompt.negative ?? this.#negative;
      checkPrompt(negative === undefined ? prompt : { ...prompt, negative });
      const { embeddings, length } = await this.#encode("prompt", prompt.text, context);
      if (negative !== undefined && this.#lastNegative?.text !== negative) {
        const encoded = await this.#encode("negative prompt", negative, context);
        this.#lastNegative = { text: negative, embeddings: encoded.embeddings };
      }
      const common = {
        tokens: textLen,
        channels: dim,
        ...(negative !== undefined && { negative: this.#lastNegative!.embeddings }),
      };
      const { then = [], ...first } = prompt;
      const later: LaterConditioning[] = [];
      for (const { from, text } of then) {
        const encoded = await this.#encode("prompt", text, context);
        later.push({ prompt: { ...first, text }, ...encoded, ...common, from });
      }
      yield { prompt, embeddings, length, ...common, ...(later.length > 0 && { then: later }) };
    }
  }

  async #encode(what: string, text: string, { signal, report }: RunContext) {
    const { textLen } = this.#sizes;
    const tokens = tokenize(this.#tokenizer, text, textLen);
    if (tokens.dropped > 0) {
      report({
        type: "warning",
        message: `The ${what} is ${
          tokens.length + tokens.dropped
        } tokens long, of which the network reads ${textLen}: its end is not heard.`,
      });
    }
    return { embeddings: await this.#encoder.encode(tokens, signal), length: tokens.length };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
