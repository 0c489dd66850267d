/** UMT5 with its tokenizer on a device: text in, embeddings out. */

import { Tokenizer } from "@huggingface/tokenizers";
import { checkWeights, prepareGraph } from "../../engine/load/mod.ts";
import { type Umt5Config, umt5Encoder } from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import { matchParameters, quantized, type WeightFile } from "../../engine/weights/mod.ts";
import { checking, progressOf, type ReportLoading } from "../_loading.ts";
import { cleanText } from "./clean.ts";
import type { TextForm } from "./form.ts";
import { textNetwork } from "./network.ts";

/** A text as the network takes it: `[textLen]` each. */
export interface Tokens {
  readonly ids: BigInt64Array;
  /** 1 for text, 0 for padding. */
  readonly mask: BigInt64Array;
  /** Tokens of text. */
  readonly length: number;
  /** Tokens that did not fit and were cut off. */
  readonly dropped: number;
}

/** Cuts a text into tokens as the reference does: cleaned, cut to the length, the end token kept, padded with 0. */
export function tokenize(tokenizer: Tokenizer, text: string, textLen: number): Tokens {
  const all = tokenizer.encode(cleanText(text)).ids;
  const kept = all.length > textLen ? [...all.slice(0, textLen - 1), all.at(-1)!] : all;
  const ids = new BigInt64Array(textLen);
  const mask = new BigInt64Array(textLen);
  kept.forEach((id, i) => ids[i] = BigInt(id));
  mask.fill(1n, 0, kept.length);
  return { ids, mask, length: kept.length, dropped: all.length - kept.length };
}

/** Reads a `tokenizer.json`. Throws a TypeError where it is none. */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  try {
    return new Tokenizer(JSON.parse(await Deno.readTextFile(path)), {});
  } catch (error) {
    throw new TypeError(`cannot use the tokenizer ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** How an encoder is made. */
export interface TextEncoderOptions {
  /** Default: float32, weights as they are stored. */
  readonly form?: TextForm;
  /** Weights that share a scale, where they are in few bits. Default: 32. */
  readonly block?: number;
  /** Whether the runtime makes a copy of the weights that is faster to compute with. Default: true. */
  readonly prepack?: boolean;
  /** Threads that make weights in few bits, at most; more than 8 are 8. Default: the machine's. */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told how far it has come. */
  readonly report?: ReportLoading;
}

/** An encoder whose weights are checked and, where they are to be in few bits, made: loaded as often as needed. */
export interface PreparedEncoder extends AsyncDisposable {
  load(device: Device, signal?: AbortSignal): Promise<TextEncoder>;
}

/** Checks the weights and makes those in few bits. Rejects with a `WeightsError` where they do not fit. */
export async function prepareEncoder(
  sizes: Umt5Config,
  weights: WeightFile,
  options: TextEncoderOptions = {},
): Promise<PreparedEncoder> {
  const { form = { dtype: "float32" }, block, prepack = true, signal, threads, report } = options;
  const { graph, forms } = textNetwork(sizes, form, block);
  if (forms.size > 0) {
    matchParameters(
      weights,
      [...umt5Encoder(sizes).parameters.values()].map(
        ({ name, shape }) => ({ name, shape }),
      ),
    );
  }
  const file = forms.size > 0 ? quantized(weights, forms) : weights;
  await checkWeights([graph], file, { ...(signal && { signal }), ...checking(report) });
  const making = form.bits ? `weights in ${form.bits} bits` : "putting weights in order";
  const onProgress = progressOf(report, making);
  const prepared = await prepareGraph(graph, file, { signal, threads, onProgress });
  return {
    load: async (device, signal) =>
      TextEncoder.create(sizes, device, await prepared.load(device, { signal, prepack })),
    [Symbol.asyncDispose]: () => prepared[Symbol.asyncDispose](),
  };
}

/** The encoder, loaded. */
export class TextEncoder implements AsyncDisposable {
  readonly #sizes: Umt5Config;
  readonly #stack: AsyncDisposableStack;
  readonly #session: Session;
  readonly #binding: Binding;
  readonly #ids: Tensor<"int64">;
  readonly #mask: Tensor<"int64">;
  readonly #embeddings: Tensor<"float32">;

  private constructor(
    sizes: Umt5Config,
    device: Device,
    session: Session,
    stack: AsyncDisposableStack,
  ) {
    this.#sizes = sizes;
    this.#stack = stack;
    this.#session = session;
    this.#ids = stack.use(device.createTensor("int64", [sizes.textLen]));
    this.#mask = stack.use(device.createTensor("int64", [sizes.textLen]));
    this.#embeddings = stack.use(
      device.createTensor("float32", [sizes.textLen, sizes.dim], { on: "host" }),
    );
    this.#binding = stack.use(session.createBinding());
    this.#binding.input("ids", this.#ids);
    this.#binding.input("mask", this.#mask);
    this.#binding.output("embeddings", this.#embeddings);
  }

  /** Around a session of its graph, which it owns from now on. */
  static create(sizes: Umt5Config, device: Device, session: Session): TextEncoder {
    const stack = new AsyncDisposableStack();
    stack.use(session);
    return new TextEncoder(sizes, device, session, stack);
  }

  /** Prepares and loads in one. */
  static async load(
    device: Device,
    sizes: Umt5Config,
    weights: WeightFile,
    options: TextEncoderOptions = {},
  ): Promise<TextEncoder> {
    await using prepared = await prepareEncoder(sizes, weights, options);
    return await prepared.load(device, options.signal);
  }

  /** Embeddings `[textLen, dim]`, rows of padding 0. One call at a time. */
  async encode(tokens: Tokens, signal?: AbortSignal): Promise<Float32Array> {
    const beyond = tokens.ids.find((id) => id >= BigInt(this.#sizes.vocab));
    if (beyond !== undefined) {
      throw new RangeError(
        `cannot encode token ${beyond}: the network knows ${this.#sizes.vocab}. Use the tokenizer that belongs to it`,
      );
    }
    await this.#ids.write(tokens.ids);
    await this.#mask.write(tokens.mask);
    await this.#session.run(this.#binding, { signal });
    return await this.#embeddings.read();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
