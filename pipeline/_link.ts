/** Where a link gets its data. */
export interface Supply<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** Nothing more is wanted; settles when the supply has cleaned up. */
  close(): Promise<void>;
}

type Taker<T> = PromiseWithResolvers<IteratorResult<T, undefined>>;

/**
 * Carries data from a supply to a stage.
 *
 * - Nothing is asked of the supply before the first `next`.
 * - At most `capacity` data are made ahead; with 0, one is made when one is asked for.
 * - An error of the supply comes after the data made before it.
 * - A promise of `next` that nobody awaits is never an unhandled rejection: a stage may keep one
 *   while it works.
 */
export class Link<T> implements AsyncIterableIterator<T, undefined> {
  readonly #supply: Supply<T>;
  readonly #capacity: number;
  readonly #ready: T[] = [];
  readonly #takers: Taker<T>[] = [];
  #pumping = false;
  #end: { readonly error?: unknown; readonly failed: boolean } | undefined;

  constructor(supply: Supply<T>, capacity: number) {
    this.#supply = supply;
    this.#capacity = capacity;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const taker: Taker<T> = Promise.withResolvers();
    taker.promise.catch(() => {});
    this.#takers.push(taker);
    this.#deliver();
    this.#pump();
    return taker.promise;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#finish({ failed: false });
    await this.#supply.close();
    return { done: true, value: undefined };
  }

  /** Whoever waits is rejected with `reason`. */
  abort(reason: unknown): void {
    this.#finish({ failed: true, error: reason });
  }

  #finish(end: { error?: unknown; failed: boolean }): void {
    this.#end ??= end;
    this.#ready.length = 0;
    this.#deliver();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#end && (this.#takers.length > 0 || this.#ready.length < this.#capacity)) {
      try {
        const result = await this.#supply.next();
        if (this.#end) break;
        if (result.done) this.#end = { failed: false };
        else this.#ready.push(result.value);
      } catch (error) {
        this.#end ??= { failed: true, error };
      }
      this.#deliver();
    }
    this.#pumping = false;
  }

  #deliver(): void {
    while (this.#takers.length > 0) {
      if (this.#ready.length > 0) {
        this.#takers.shift()?.resolve({ done: false, value: this.#ready.shift() as T });
      } else if (this.#end?.failed) {
        // Once, as a generator does: whoever asks again is told that there is nothing more.
        this.#takers.shift()?.reject(this.#end.error);
        this.#end = { failed: false };
      } else if (this.#end) {
        this.#takers.shift()?.resolve({ done: true, value: undefined });
      } else return;
    }
  }
}
