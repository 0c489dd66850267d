/**
 * Reads a stream in the background and keeps only its newest datum, for a stage that makes chunks of
 * its own accord and looks between them whether there is something new.
 *
 * ```ts ignore
 * await using prompts = new Newest(input);
 * let prompt = await prompts.next();
 * while (prompt !== undefined && !context.stop.aborted) {
 *   yield await makeChunk(prompt);
 *   prompt = prompts.take() ?? prompt;
 * }
 * ```
 */
export class Newest<T> implements AsyncDisposable {
  readonly #iterator: AsyncIterator<T>;
  #held: { readonly datum: T } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #arrived = Promise.withResolvers<void>();

  /** Begins to read. */
  constructor(input: AsyncIterable<T>) {
    this.#iterator = input[Symbol.asyncIterator]();
    this.#read();
  }

  /** Waits for something newer than was taken; undefined when the stream has ended without it. */
  async next(): Promise<T | undefined> {
    while (this.#held === undefined && this.#failure === undefined && !this.#ended) {
      await this.#arrived.promise;
    }
    return this.take();
  }

  /** What has arrived since it was last asked, the newest of it, without waiting. Throws what the stream threw. */
  take(): T | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    const held = this.#held;
    this.#held = undefined;
    return held?.datum;
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#iterator.return?.();
  }

  async #read(): Promise<void> {
    try {
      while (!this.#ended) {
        const result = await this.#iterator.next();
        if (result.done) this.#ended = true;
        else this.#held = { datum: result.value };
        this.#arrived.resolve();
        this.#arrived = Promise.withResolvers();
      }
    } catch (error) {
      this.#failure = { error };
      this.#arrived.resolve();
    }
  }
}
