import type { TextEncoder } from "./text_encoder.ts";

/** How an encoder is supplied. */
export interface SupplyOptions {
  /** Loads it. */
  readonly load: (signal: AbortSignal) => Promise<TextEncoder>;
  /** Whether it stays loaded while nobody needs it. */
  readonly keep: boolean;
}

/** An encoder that is there when it is needed, and else only where it is to stay. */
export class EncoderSupply implements AsyncDisposable {
  readonly #options: SupplyOptions;
  #loaded: TextEncoder | undefined;
  #times = 0;

  constructor(options: SupplyOptions) {
    this.#options = options;
  }

  /** The encoder. `again` is told before it is loaded for another time. */
  async take(signal: AbortSignal, again?: () => void): Promise<TextEncoder> {
    if (this.#loaded) return this.#loaded;
    if (this.#times > 0) again?.();
    this.#loaded = await this.#options.load(signal);
    this.#times++;
    return this.#loaded;
  }

  /** Nobody needs it for now: its memory is free when this settles, unless it is to stay. */
  async rest(): Promise<void> {
    if (!this.#options.keep) await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.[Symbol.asyncDispose]();
  }
}
