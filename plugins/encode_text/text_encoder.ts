/** UMT5 with its tokenizer on a device: text in, embeddings out. */

import { Tokenizer } from "@huggingface/tokenizers";
import { checkWeights, loadGraph } from "../../engine/load/mod.ts";
import { type Umt5Config, umt5Encoder } from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import { cleanText } from "./clean.ts";

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

  static async load(
    device: Device,
    sizes: Umt5Config,
    weights: WeightFile,
    signal?: AbortSignal,
  ): Promise<TextEncoder> {
    const graph = umt5Encoder(sizes);
    await checkWeights([graph], weights, signal ? { signal } : {});
    await using stack = new AsyncDisposableStack();
    const session = stack.use(await loadGraph(device, graph, weights, signal ? { signal } : {}));
    return new TextEncoder(sizes, device, session, stack.move());
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
