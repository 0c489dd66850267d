/** A text, encoded. */
export interface Encoded {
  /** `[textLen, dim]` */
  readonly embeddings: Float32Array;
  /** Rows that are text. */
  readonly length: number;
}

/** The texts that were encoded last, so that one that comes again costs nothing. */
export class RecentTexts {
  readonly #capacity: number;
  readonly #texts = new Map<string, Encoded>();

  /** @param capacity texts that are kept, from 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(text: string): Encoded | undefined {
    const encoded = this.#texts.get(text);
    // A map keeps the order of insertion: what is used moves to the end, the oldest goes first.
    if (encoded) this.set(text, encoded);
    return encoded;
  }

  set(text: string, encoded: Encoded): void {
    this.#texts.delete(text);
    this.#texts.set(text, encoded);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > this.#capacity) this.#texts.delete(oldest!);
  }
}
