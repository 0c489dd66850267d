import type { DataKinds, Kind, Prompt } from "./data.ts";
import type { OpenEvent, RunEvent } from "./events.ts";
import type { StageSpec } from "./plugin.ts";

/** Stages in a row, by what goes in and what comes out. Costs nothing until opened. */
export interface Pipeline<In extends Kind = Kind, Out extends Kind = Kind> {
  /** In the order data flows. */
  readonly stages: readonly StageSpec[];
  /** Kind of data that goes in. */
  readonly takes: In;
  /** Kind of data that comes out. */
  readonly gives: Out;
  /**
   * Makes every stage, all at the same time.
   *
   * @throws {UserError} or {StageError} of the first stage that could not be made; the others are freed.
   */
  open(options?: OpenOptions): Promise<OpenPipeline<In, Out>>;
}

/** What stages are made with. */
export interface OpenOptions {
  /** `cpu`, `webgpu`, `cuda` or `cuda:n`. Default: what the config says, else `cpu`. */
  readonly device?: string;
  /** Threads a stage may use, from 1. Default: the machine's. */
  readonly threads?: number;
  /** Folder that relative paths in options start from. Default: the current one. */
  readonly directory?: string;
  /** Gives up opening, rejecting with its reason. */
  readonly signal?: AbortSignal;
  /** Told what the user should know that is no error. */
  readonly warn?: (message: string) => void;
  /** Told how far opening has come. An error that it throws is that of the stage it is told of. */
  readonly onEvent?: (event: OpenEvent) => void;
}

/** A pipeline whose stages are loaded. Closing it ends its run and frees them, last to first. */
export interface OpenPipeline<In extends Kind = Kind, Out extends Kind = Kind>
  extends AsyncDisposable {
  /** Kind of data that goes in. */
  readonly takes: In;
  /** Kind of data that comes out. */
  readonly gives: Out;
  /** How long each stage took to make, in the order of the pipeline. */
  readonly loading: readonly { readonly stage: string; readonly seconds: number }[];
  /**
   * Begins a run. Nothing is computed before the first datum is asked for.
   *
   * @throws {Error} while an earlier run is unfinished: stages serve one run at a time.
   */
  run(
    input: DataKinds[In] | AsyncIterable<DataKinds[In]>,
    options?: RunOptions,
  ): Run<Out>;
}

/** How a run goes. */
export interface RunOptions {
  /** Gives up at once: whoever waits for the run is rejected with its reason. */
  readonly signal?: AbortSignal;
  /** Told what goes on; an error that it throws ends the run. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Keeps the input open after what was given, so that `prompt` can feed more. Default: false. */
  readonly live?: boolean;
  /**
   * Data held between two stages, 0 or more. With 1 (the default) a stage makes its next chunk while
   * the following one works on this; with 0 one stage works at a time.
   */
  readonly readAhead?: number;
}

/**
 * What comes out of a pipeline, once. Leaving the loop ends the run; so does disposing of it, which
 * settles when every stage has cleaned up.
 */
export interface Run<Out extends Kind = Kind>
  extends AsyncIterableIterator<DataKinds[Out], undefined>, AsyncDisposable {
  /**
   * Gives a further prompt, used from the next chunk on; one that comes too late changes nothing.
   *
   * @throws {TypeError} where the pipeline takes no prompts or the run is not `live`.
   */
  prompt(next: Prompt): void;
  /** Makes no further chunk until `resume`. What is made already still comes out. */
  pause(): void;
  /** Goes on after `pause`. */
  resume(): void;
  /** Makes no further chunk; what is made already still comes out, then the run ends. */
  stop(): void;
  /** Whether it waits for `resume`. */
  readonly paused: boolean;
  /** As far as the run has come. */
  readonly timings: RunTimings;
  /** Ends the run, as leaving its loop does. */
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** How long a run and its stages took, in seconds. */
export interface RunTimings {
  /** From the start of the run to its end, or to now. */
  readonly seconds: number;
  /** From the start of the run to the first datum that came out. */
  readonly first: number | undefined;
  /** In the order of the pipeline. */
  readonly stages: readonly StageTimings[];
}

/** How much a stage did in a run. */
export interface StageTimings {
  /** Its name. */
  readonly stage: string;
  /** Data it gave. */
  readonly chunks: number;
  /** Its own work: waiting for input, for its consumer or for the end of a pause is not counted. */
  readonly seconds: number;
}
