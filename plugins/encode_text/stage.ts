import { openStageDevice } from "../_devices.ts";
import type { Conditioning, CreateContext, Prompt, RunContext, Stage } from "../../pipeline/mod.ts";
import type { LaterConditioning } from "../../pipeline/data.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import { UserError } from "../../pipeline/mod.ts";
import { locate, mending, openWeights } from "../_files.ts";
import { toDevice } from "../_loading.ts";
import { type TextModel, textModels } from "../_models.ts";
import { checkPrompt } from "../_prompt.ts";
import { chooseForm, isLarge, staysLoaded } from "./form.ts";
import type { EncodeTextOptions } from "./options.ts";
import { type Encoded, RecentTexts } from "./recent.ts";
import { EncoderSupply } from "./supply.ts";
import { openTokenizer, prepareEncoder, tokenize } from "./text_encoder.ts";

/** Texts whose embeddings are kept: 8 MB each with UMT5-XXL. */
const RECENT = 8;

/** What a stage is made of. */
interface Parts {
  readonly stack: AsyncDisposableStack;
  readonly supply: EncoderSupply;
  readonly tokenizer: Awaited<ReturnType<typeof openTokenizer>>;
  readonly sizes: TextModel["sizes"];
  /** The negative prompt where the prompt has none. */
  readonly negative: string | undefined;
}

/** What encoding a prompt is told, and tells. */
type Watched = Pick<RunContext, "signal" | "report">;

/** Encodes every prompt that comes. */
export class TextStage implements Stage<"prompt", "conditioning"> {
  readonly name = "encode-text";
  readonly takes = "prompt";
  readonly gives = "conditioning";
  readonly #parts: Parts;
  readonly #recent = new RecentTexts(RECENT);

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async create(options: EncodeTextOptions, context: CreateContext): Promise<TextStage> {
    const { network, negative } = options;
    const { directory, signal, report } = context;
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
    // A large one works while all others wait for it; to a small one threads are of no use.
    const threads = options.threads ?? (isLarge(sizes) ? context.threads : 1);
    const device = stack.use(await openStageDevice({ ...options, threads }, context));
    const form = await chooseForm(device, options.precision);
    // Copies of many weights that are faster to compute with do not pay where there is one text to encode; in 4 bits
    // they do (bench/quantized.bench.ts).
    const prepack = !isLarge(sizes) || form.bits === 4;
    const keep = staysLoaded(options, sizes);
    const tokenizing = openTokenizer(tokenizerPath);
    tokenizing.catch(() => {}); // It is awaited below, unless something else fails before.
    const making = options.threads ?? context.threads;
    const preparing = { form, prepack, threads: making, signal, report };
    const prepared = stack.use(
      await mending(() => prepareEncoder(sizes, weights, preparing)),
    );
    const supply = stack.use(
      new EncoderSupply({ keep, load: (signal) => prepared.load(device, signal) }),
    );
    if (keep) {
      toDevice(report);
      await supply.take(signal);
      await prepared[Symbol.asyncDispose]();
    }
    const tokenizer = await tokenizing.catch((error) => {
      throw new UserError(error.message, { cause: error });
    });
    return new TextStage({ stack: stack.move(), supply, tokenizer, sizes, negative });
  }

  /** Where the run is stopped a prompt that is being encoded is given up: nothing will be made of it. */
  async *process(
    prompts: AsyncIterable<Prompt>,
    context: RunContext,
  ): AsyncGenerator<Conditioning> {
    const { stop } = context;
    const signal = AbortSignal.any([context.signal, stop]);
    const watched = { signal, report: (event: StageEvent) => context.report(event) };
    for await (const prompt of prompts) {
      const negative = prompt.negative ?? this.#parts.negative;
      checkPrompt(negative === undefined ? prompt : { ...prompt, negative });
      let conditioning: Conditioning;
      try {
        conditioning = await this.#condition(prompt, negative, watched);
      } catch (error) {
        if (stop.aborted && !context.signal.aborted && error === stop.reason) return;
        throw error;
      } finally {
        // Before the conditioning goes on: who takes it may need the memory.
        await this.#parts.supply.rest();
      }
      yield conditioning;
    }
  }

  async #condition(
    prompt: Prompt,
    negative: string | undefined,
    context: Watched,
  ): Promise<Conditioning> {
    const { textLen, dim } = this.#parts.sizes;
    const { then = [], ...first } = prompt;
    const encoded = await this.#encode("prompt", prompt.text, context);
    const common = {
      tokens: textLen,
      channels: dim,
      ...(negative !== undefined && {
        negative: (await this.#encode("negative prompt", negative, context)).embeddings,
      }),
    };
    const later: LaterConditioning[] = [];
    for (const { from, text } of then) {
      const encoded = await this.#encode("prompt", text, context);
      later.push({ prompt: { ...first, text }, ...encoded, ...common, from });
    }
    return { prompt, ...encoded, ...common, ...(later.length > 0 && { then: later }) };
  }

  async #encode(what: string, text: string, { signal, report }: Watched): Promise<Encoded> {
    const { tokenizer, sizes: { textLen }, supply } = this.#parts;
    const tokens = tokenize(tokenizer, text, textLen);
    if (tokens.dropped > 0) {
      report({
        type: "warning",
        message: `The ${what} is ${
          tokens.length + tokens.dropped
        } tokens long, of which the network reads ${textLen}: its end is not heard.`,
      });
    }
    const known = this.#recent.get(text);
    if (known) return known;
    const encoder = await supply.take(signal, () =>
      report({
        type: "note",
        message:
          "The text encoder was freed after the last prompt and is loaded again for this one: " +
          "encode-text.keep=true keeps it, where there is the memory.",
      }));
    const encoded = {
      embeddings: await encoder.encode(tokens, signal),
      length: tokens.length,
    };
    this.#recent.set(text, encoded);
    return encoded;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.stack.disposeAsync();
  }
}
