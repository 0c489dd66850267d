import { PipelineRun } from "./_run.ts";
import type { DataKinds, Kind } from "./data.ts";
import { withStage } from "./errors.ts";
import { LoadingReports } from "./_loading.ts";
import type { AnyPlugin, StageSpec } from "./plugin.ts";
import type { OpenOptions, OpenPipeline, Run, RunOptions } from "./run.ts";
import type { CreateContext, Stage } from "./stage.ts";

const forgotten = new FinalizationRegistry<{ warn: (message: string) => void; names: string }>(
  ({ warn, names }) =>
    warn(`A pipeline (${names}) was never closed: open it with "await using", or dispose of it.`),
);

/** A pipeline whose stages are made. */
export class OpenedPipeline implements OpenPipeline {
  readonly takes: Kind;
  readonly gives: Kind;
  readonly loading: OpenPipeline["loading"];
  readonly #stages: readonly Stage[];
  readonly #stack: AsyncDisposableStack;
  #run: PipelineRun | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    stages: readonly Stage[],
    stack: AsyncDisposableStack,
    loading: OpenPipeline["loading"],
    warn: (message: string) => void,
  ) {
    this.#stages = stages;
    this.#stack = stack;
    this.loading = loading;
    this.takes = stages[0]?.takes ?? "prompt";
    this.gives = stages.at(-1)?.gives ?? "prompt";
    forgotten.register(this, { warn, names: stages.map(({ name }) => name).join(", ") }, this);
  }

  /** Makes all stages at the same time; if one fails, the others are freed. */
  static async open(specs: readonly StageSpec[], options: OpenOptions): Promise<OpenedPipeline> {
    options.signal?.throwIfAborted();
    const control = new AbortController();
    const warn = options.warn ?? (() => {});
    const context: CreateContext = {
      device: options.device ?? "cpu",
      threads: options.threads ?? navigator.hardwareConcurrency,
      directory: options.directory ?? Deno.cwd(),
      signal: options.signal ? AbortSignal.any([options.signal, control.signal]) : control.signal,
      warn,
    };
    const reports = options.onEvent && new LoadingReports(options.onEvent);
    let failure: { readonly error: unknown } | undefined;
    const made = await Promise.all(specs.map(async ({ plugin, options }) => {
      const began = performance.now();
      try {
        const own = reports && { report: reports.of(plugin.name) };
        const stage = await createStage(plugin, options, { ...context, ...own });
        reports?.loaded(plugin.name);
        return { stage, seconds: (performance.now() - began) / 1000 };
      } catch (error) {
        failure ??= { error: withStage(plugin.name, error) };
        control.abort(new DOMException("Another stage could not be made.", "AbortError"));
        return undefined;
      }
    }));
    await using stack = new AsyncDisposableStack();
    const ready = made.filter((each) => each !== undefined);
    for (const { stage } of ready) stack.use(stage);
    options.signal?.throwIfAborted();
    if (failure !== undefined) throw failure.error;
    const loading = ready.map(({ stage, seconds }) => ({ stage: stage.name, seconds }));
    return new OpenedPipeline(ready.map(({ stage }) => stage), stack.move(), loading, warn);
  }

  run(
    input: DataKinds[Kind] | AsyncIterable<DataKinds[Kind]>,
    options: RunOptions = {},
  ): Run {
    if (this.#closed !== undefined) {
      throw new Error("A closed pipeline cannot run: open it again.");
    }
    if (this.#run !== undefined && this.#run.ending === undefined) {
      throw new Error(
        "A pipeline makes one run at a time and an earlier one is unfinished: " +
          "read it to its end or dispose of it, or open the pipeline twice.",
      );
    }
    const { readAhead = 1 } = options;
    if (!Number.isInteger(readAhead) || readAhead < 0) {
      throw new RangeError(`readAhead: expected a whole number of at least 0, got ${readAhead}.`);
    }
    return this.#run = new PipelineRun(this.#stages, input, options, this.#run?.ending);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    forgotten.unregister(this);
    await this.#run?.[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }
}

async function createStage(
  plugin: AnyPlugin,
  options: unknown,
  context: CreateContext,
): Promise<Stage> {
  const stage: Stage | undefined = await plugin.create(options, context);
  if (typeof stage?.process !== "function" || typeof stage[Symbol.asyncDispose] !== "function") {
    throw new TypeError(
      "what its plugin created is no stage: expected an object with process and asyncDispose",
    );
  }
  return stage;
}
