import type { DataKinds, Kind } from "./data.ts";
import type { LoadingProgress, StageEvent } from "./events.ts";

/** One step of a pipeline: takes one kind of data, gives one kind of data, owns what it loaded. */
export interface Stage<In extends Kind = Kind, Out extends Kind = Kind> extends AsyncDisposable {
  /** Name in errors, events and timings. */
  readonly name: string;
  /** Kind of data it takes. */
  readonly takes: In;
  /** Kind of data it gives. */
  readonly gives: Out;
  /**
   * Turns a stream into a stream. Pull-based: compute what is asked for, no more. May be called again
   * for a later run of the same pipeline, never while an earlier call is unfinished.
   */
  process(
    input: AsyncIterable<DataKinds[In]>,
    context: RunContext,
  ): AsyncIterable<DataKinds[Out]>;
}

/** What a stage is given for one run. */
export interface RunContext {
  /** Aborted: give up at once, rejecting with its reason. */
  readonly signal: AbortSignal;
  /** Aborted: a stage that makes data of its own accord ends its stream here; the others drain theirs. */
  readonly stop: AbortSignal;
  /** Settles at once, or when a paused run goes on. Ask before each chunk made of one's own accord. */
  whenRunning(): Promise<void>;
  /** Tells whoever watches the run. */
  report(event: StageEvent): void;
}

/** What a stage is made from, beside its own options. */
export interface CreateContext {
  /** `cpu`, `webgpu`, `cuda` or `cuda:n`; a plugin may have an option that overrides it. */
  readonly device: string;
  /** Threads a stage may use for its own work, from 1. */
  readonly threads: number;
  /** Folder that relative paths in options start from. */
  readonly directory: string;
  /** Aborted: give up creating, rejecting with its reason. */
  readonly signal: AbortSignal;
  /** Something the user should know that is not an error. */
  warn(message: string): void;
  /** Tells how far creating has come, as often as one likes; absent where nobody listens. */
  report?(progress: LoadingProgress): void;
}
