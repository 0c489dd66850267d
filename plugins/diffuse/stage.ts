import {
  type Conditioning,
  type CreateContext,
  type Latents,
  Newest,
  type RunContext,
  type Stage,
} from "../../pipeline/mod.ts";
import { openStageDevice } from "../_devices.ts";
import { mending } from "../_files.ts";
import { loadTransformer } from "./load.ts";
import { type DiffuseOptions, effective } from "./options.ts";
import { DiffusionRun, type RunTools } from "./run.ts";
import { openTransformer } from "./weights.ts";

/** Rolls out a Wan: a causal one chunk after chunk, a bidirectional one as one chunk that is the whole clip. */
export class DiffuseStage implements Stage<"conditioning", "latents"> {
  readonly name = "diffuse";
  readonly takes = "conditioning";
  readonly gives = "latents";
  readonly #stack: AsyncDisposableStack;
  readonly #tools: RunTools;

  private constructor(stack: AsyncDisposableStack, tools: RunTools) {
    this.#stack = stack;
    this.#tools = tools;
  }

  /** Loads the transformer that options name. */
  static async create(options: DiffuseOptions, context: CreateContext): Promise<DiffuseStage> {
    const weights = await openTransformer(options, context.directory);
    await using stack = new AsyncDisposableStack();
    const device = stack.use(await openStageDevice(options, context));
    const model = stack.use(
      await mending(() => loadTransformer(device, weights, options, context)),
    );
    return new DiffuseStage(stack.move(), { model, options, effective: effective(options) });
  }

  async *process(
    input: AsyncIterable<Conditioning>,
    context: RunContext,
  ): AsyncGenerator<Latents> {
    await using arriving = new Newest(input);
    const first = await arriving.next();
    if (first === undefined) return;
    yield* new DiffusionRun(this.#tools, arriving, first, context).latents();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
