import type { Gate } from "./_gate.ts";
import type { Supply } from "./_link.ts";

export interface SourceOptions {
  /** Stays open after the input has ended, for what is pushed. */
  readonly live: boolean;
  /** Holds data back while the run is paused. */
  readonly gate?: Gate;
  /** An error of the input, which belongs to no stage. */
  failed(error: unknown): unknown;
}

/** What a run begins with: one datum or a stream, and what is pushed later. */
export class Source<T> implements Supply<T> {
  readonly #options: SourceOptions;
  readonly #queue: T[] = [];
  readonly #iterator: AsyncIterator<T> | undefined;
  readonly #closing = new AbortController();
  #pulling = false;
  #open: boolean;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #closed: Promise<void> | undefined;

  constructor(input: T | AsyncIterable<T>, options: SourceOptions) {
    this.#options = options;
    this.#open = options.live;
    if (isAsyncIterable(input)) this.#iterator = input[Symbol.asyncIterator]();
    else this.#queue.push(input);
    if (this.#iterator !== undefined) this.#open = true;
  }

  push(datum: T): void {
    this.#queue.push(datum);
    this.#wake();
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#open = false;
    this.#queue.length = 0;
    this.#wake();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (true) {
      await this.#options.gate?.pass(this.#closing.signal);
      if (this.#queue.length > 0) return { done: false, value: this.#queue.shift() as T };
      if (this.#failure !== undefined) throw this.#options.failed(this.#failure.error);
      if (!this.#open) return { done: true, value: undefined };
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#pull();
      await promise;
    }
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.stop();
    this.#closing.abort();
    // `return` on a generator that waits would wait with it, perhaps for ever: the user's own
    // stream knows no signal of ours.
    const returned = (async () => await this.#iterator?.return?.())().catch(() => {});
    if (!this.#pulling) await returned;
  }

  #pull(): void {
    if (this.#iterator === undefined || this.#pulling) return;
    this.#pulling = true;
    this.#iterator.next().then(({ done, value }) => {
      if (done) this.#open = this.#open && this.#options.live;
      else if (this.#open) this.#queue.push(value);
      this.#pulling = done === true;
    }, (error) => {
      this.#failure = { error };
    }).finally(() => this.#wake());
  }
}

function isAsyncIterable<T>(input: T | AsyncIterable<T>): input is AsyncIterable<T> {
  return typeof input === "object" && input !== null && Symbol.asyncIterator in input;
}
