/** Keeps what is made a little ahead of what is watched, and no more. */
export class Pace {
  readonly #lead: number;
  /** When what was made so far has been watched, on the clock of `performance.now()`, in seconds. */
  #watched = 0;

  /** @param lead seconds that may be ahead */
  constructor(lead: number) {
    this.#lead = lead;
  }

  /**
   * Waits until no more than the lead is ahead, with `seconds` of video made since the last call. Time in which
   * nothing was made, such as a pause, is not made up for. Rejects with the signal's reason.
   */
  async keep(seconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = performance.now() / 1000;
    this.#watched = Math.max(this.#watched, now) + seconds;
    const wait = this.#watched - now - this.#lead;
    if (wait <= 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(resolve, wait * 1000);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }
}
