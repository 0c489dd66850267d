import { Gate } from "./_gate.ts";
import { Link } from "./_link.ts";
import { Source } from "./_source.ts";
import { Step, type StepHost } from "./_step.ts";
import type { DataKinds, Kind, Prompt } from "./data.ts";
import { withStage } from "./errors.ts";
import type { RunEvent, StageEvent } from "./events.ts";
import type { Run, RunOptions, RunTimings } from "./run.ts";
import type { Stage } from "./stage.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** A run of opened stages. */
export class PipelineRun implements Run {
  readonly #options: RunOptions;
  readonly #takes: Kind;
  readonly #began = performance.now();
  readonly #gate = new Gate();
  readonly #stop = new AbortController();
  readonly #source: Source<unknown>;
  readonly #steps: readonly Step[];
  /** Rejections of the `next` calls that wait. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  /** Errors that have their stage's name, or belong to none. */
  readonly #named = new Set<unknown>();
  #before: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #over = false;
  #first: number | undefined;
  #seconds: number | undefined;
  #ending: Promise<void> | undefined;

  /** Begins when `before` has settled. */
  constructor(
    stages: readonly Stage[],
    input: unknown,
    options: RunOptions,
    before: Promise<void> | undefined,
  ) {
    this.#options = options;
    this.#before = before;
    this.#takes = stages[0]?.takes ?? "prompt";
    this.#source = new Source(input, {
      live: options.live ?? false,
      // A prompt passes a pause, so that it is ready when the run goes on.
      ...(this.#takes === "prompt" ? {} : { gate: this.#gate }),
      failed: (error) => this.#fail(error),
    });
    const host = this.#host();
    let link = new Link(this.#source, 0);
    this.#steps = stages.map((stage) => {
      const step = new Step(stage, link, host);
      link = new Link(step, options.readAhead ?? 1);
      return step;
    });
    options.signal?.addEventListener("abort", this.#onAbort);
    if (options.signal?.aborted) this.#onAbort();
  }

  /** Settles when the run has cleaned up; undefined while it goes on. */
  get ending(): Promise<void> | undefined {
    return this.#ending;
  }

  get paused(): boolean {
    return this.#gate.closed;
  }

  get timings(): RunTimings {
    return {
      seconds: this.#seconds ?? this.#at(),
      first: this.#first,
      stages: this.#steps.map(({ stage, chunks, seconds }) => ({
        stage: stage.name,
        chunks,
        seconds,
      })),
    };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<DataKinds[Kind], undefined>> {
    if (this.#over) return this.#finish();
    if (this.#before !== undefined) await this.#unlessAborted(this.#before);
    this.#before = undefined;
    const last = this.#steps.at(-1);
    const result = await this.#unlessAborted(last?.next() ?? Promise.resolve(DONE));
    if (result.done) {
      this.#over = true;
      await this.#end();
      return this.#finish();
    }
    this.#first ??= this.#at();
    return result as IteratorYieldResult<DataKinds[Kind]>;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this[Symbol.asyncDispose]();
    this.#failure = undefined;
    return DONE;
  }

  prompt(next: Prompt): void {
    if (this.#takes !== "prompt") {
      throw new TypeError(`A pipeline that takes ${this.#takes} cannot be given a prompt.`);
    }
    if (!this.#options.live) {
      throw new TypeError(
        "This run takes no further prompt: start it with { live: true } to give it more.",
      );
    }
    if (!this.#over && !this.#stop.signal.aborted) this.#source.push(next);
  }

  pause(): void {
    this.#gate.close();
  }

  resume(): void {
    this.#gate.open();
  }

  stop(): void {
    this.#stop.abort(new DOMException("The run was stopped.", "AbortError"));
    this.#source.stop();
    this.#gate.unlock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort(new DOMException("The run was closed.", "AbortError"));
    await this.#end();
  }

  readonly #onAbort = (): void => this.#abort(this.#options.signal?.reason);

  #abort(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = { error: reason };
    for (const reject of [...this.#waiting]) {
      this.#failure = undefined;
      reject(reason);
    }
    this.#end(reason);
  }

  /** The end as its reader sees it: the failure once, if there was one, then nothing more. */
  #finish(): IteratorReturnResult<undefined> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return DONE;
  }

  #end(reason: unknown = new DOMException("The run has ended.", "AbortError")): Promise<void> {
    return this.#ending ??= this.#close(reason);
  }

  async #close(reason: unknown): Promise<void> {
    this.#seconds = this.#at();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    for (const step of this.#steps) step.abort(reason);
    await Promise.all(this.#steps.map((step) => step.close()));
    await this.#source.close();
  }

  /** `promise`, or a rejection as soon as the run is aborted. */
  #unlessAborted<T>(promise: Promise<T>): Promise<T> {
    // Not `Promise.race`: against one promise that lives as long as the run, it would keep every
    // result alive as long.
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, (error) => {
        if (!this.#over) {
          this.#over = true;
          this.#failure = undefined;
          this.#end(error);
        }
        reject(error);
      }).finally(() => this.#waiting.delete(reject));
    });
  }

  #fail(error: unknown): unknown {
    if (!this.#over) this.#failure ??= { error };
    this.#named.add(error);
    return error;
  }

  #emit(event: RunEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch (error) {
      this.#abort(error);
    }
  }

  #at(): number {
    return (performance.now() - this.#began) / 1000;
  }

  #host(): StepHost {
    return {
      stop: this.#stop.signal,
      whenRunning: (signal) => this.#gate.pass(signal),
      report: (stage: string, event: StageEvent) => this.#emit({ stage, at: this.#at(), ...event }),
      gave: ({ stage, chunks }, datum, seconds) =>
        this.#emit({
          type: "chunk",
          stage: stage.name,
          chunk: chunks - 1,
          seconds,
          at: this.#at(),
          frames: countFrames(datum),
        }),
      finished: ({ stage }) => this.#emit({ type: "finished", stage: stage.name, at: this.#at() }),
      failed: (stage, error) =>
        this.#named.has(error) ? error : this.#fail(withStage(stage, error)),
    };
  }
}

/** Pictures or latent frames in a datum. */
function countFrames(datum: unknown): number {
  const { frames, shape } = (datum ?? {}) as { frames?: unknown; shape?: unknown };
  if (typeof frames === "number") return frames;
  return Array.isArray(shape) && typeof shape[0] === "number" ? shape[0] : 0;
}
