/** Holds back whoever asks while a run is paused. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #closed = false;
  #unlocked = false;

  get closed(): boolean {
    return this.#closed && !this.#unlocked;
  }

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    for (const go of [...this.#waiting]) go();
  }

  /** Opens for good. */
  unlock(): void {
    this.#unlocked = true;
    this.open();
  }

  /** Settles when the gate is open; rejects with the signal's reason once that is aborted. */
  pass(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (!this.closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => () => {
        this.#waiting.delete(go);
        signal.removeEventListener("abort", quit);
        finish();
      };
      const go = settle(resolve);
      const quit = settle(() => reject(signal.reason));
      this.#waiting.add(go);
      signal.addEventListener("abort", quit);
    });
  }
}
