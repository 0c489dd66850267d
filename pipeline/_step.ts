import type { Link, Supply } from "./_link.ts";
import type { Kind } from "./data.ts";
import type { StageEvent } from "./events.ts";
import type { RunContext, Stage } from "./stage.ts";

/** What a stage's work in a run needs of the run. */
export interface StepHost {
  readonly stop: AbortSignal;
  whenRunning(signal: AbortSignal): Promise<void>;
  report(stage: string, event: StageEvent): void;
  gave(step: Step, datum: unknown, seconds: number): void;
  finished(step: Step): void;
  /** The error to hand on for one that the stage threw. */
  failed(stage: string, error: unknown): unknown;
}

/** One stage's part in one run: what it gives, how long it worked for it, and its end. */
export class Step implements Supply<unknown> {
  readonly stage: Stage;
  /** Data given so far. */
  chunks = 0;
  /** Own work so far. */
  seconds = 0;
  readonly #input: Link<unknown>;
  readonly #host: StepHost;
  readonly #control = new AbortController();
  #output: AsyncIterator<unknown> | undefined;
  #over = false;
  /** Time spent waiting in the pull that goes on; a wait that outlives its pull is no waiting. */
  #pull = { waited: 0 };
  #closed: Promise<void> | undefined;

  constructor(stage: Stage, input: Link<unknown>, host: StepHost) {
    this.stage = stage;
    this.#input = input;
    this.#host = host;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#over) return { done: true, value: undefined };
    this.#control.signal.throwIfAborted();
    const pull = this.#pull = { waited: 0 };
    const began = performance.now();
    let seconds = 0;
    let result: IteratorResult<unknown>;
    try {
      this.#output ??= this.#start();
      result = await this.#output.next();
    } catch (error) {
      this.#over = true;
      throw this.#control.signal.aborted ? error : this.#host.failed(this.stage.name, error);
    } finally {
      // Waits of a stage that waits for several things at once overlap.
      seconds = Math.max(0, performance.now() - began - pull.waited) / 1000;
      this.seconds += seconds;
    }
    if (!result.done) {
      this.chunks++;
      this.#host.gave(this, result.value, seconds);
      return result;
    }
    this.#over = true;
    this.#host.finished(this);
    // A stage that ended by its own count may have left its input open.
    this.#input.return().catch(() => {});
    return { done: true, value: undefined };
  }

  /** Ends the waits of this stage, rejecting with `reason`. */
  abort(reason: unknown): void {
    this.#control.abort(reason);
    this.#input.abort(reason);
  }

  /** Ends the stage and all before it; settles when their `finally` blocks have run. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.abort(new DOMException("Nothing more of this stage is needed.", "AbortError"));
    try {
      await this.#output?.return?.();
    } catch (error) {
      if (error !== this.#control.signal.reason) {
        const message = `The stage did not clean up: ${String(error)}`;
        this.#host.report(this.stage.name, { type: "warning", message });
      }
    }
    await this.#input.return();
  }

  #start(): AsyncIterator<unknown> {
    const input = {
      next: () => this.#wait(this.#input.next()),
      return: () => this.#input.return(),
    };
    const { name } = this.stage;
    const host = this.#host;
    const { signal } = this.#control;
    const context: RunContext = {
      signal,
      stop: host.stop,
      whenRunning: () => this.#wait(host.whenRunning(signal)),
      report: (event) => host.report(name, event),
    };
    const stage = this.stage as Stage<Kind, Kind>;
    return stage.process(
      { [Symbol.asyncIterator]: () => input } as AsyncIterable<never>,
      context,
    )[Symbol.asyncIterator]();
  }

  #wait<T>(promise: Promise<T>): Promise<T> {
    const pull = this.#pull;
    const from = performance.now();
    const settled = promise.finally(() => pull.waited += performance.now() - from);
    settled.catch(() => {});
    return settled;
  }
}
