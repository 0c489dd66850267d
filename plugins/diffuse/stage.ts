import {
  drawnNoise,
  type FewStepPass,
  flowSchedule,
  normalSource,
  planFewSteps,
  rollout,
} from "../../engine/diffusion/mod.ts";
import { type Lora, mergeLoras } from "../../engine/weights/mod.ts";
import {
  type Conditioning,
  type CreateContext,
  type Latents,
  Newest,
  type RunContext,
  type Stage,
  UserError,
} from "../../pipeline/mod.ts";
import { openStageDevice } from "../_devices.ts";
import { mending, openWeights } from "../_files.ts";
import { diffusionModels } from "../_models.ts";
import { CausalWanModel } from "./model.ts";
import { type DiffuseOptions, effective, type EffectiveOptions, lorasOf } from "./options.ts";

/** Rolls out a causal Wan, chunk after chunk. */
export class DiffuseStage implements Stage<"conditioning", "latents"> {
  readonly name = "diffuse";
  readonly takes = "conditioning";
  readonly gives = "latents";
  readonly #stack: AsyncDisposableStack;
  readonly #model: CausalWanModel;
  readonly #options: DiffuseOptions;
  readonly #effective: EffectiveOptions;
  readonly #passes: readonly FewStepPass[];

  private constructor(
    stack: AsyncDisposableStack,
    model: CausalWanModel,
    options: DiffuseOptions,
  ) {
    this.#stack = stack;
    this.#model = model;
    this.#options = options;
    this.#effective = effective(options);
    const { shift, steps, warpSteps } = this.#effective;
    this.#passes = planFewSteps(flowSchedule({ shift }), steps, warpSteps);
  }

  static async create(options: DiffuseOptions, context: CreateContext): Promise<DiffuseStage> {
    const { sizes, chunk, window, height, width, spatialFactor } = effective(options);
    const { network } = options;
    const named = { network, directory: context.directory };
    const base = await openWeights({
      option: "diffuse.weights",
      path: options.weights,
      builtIn: (diffusionModels[network] as { readonly weights?: URL }).weights,
      ...named,
    });
    const loras: Lora[] = [];
    for (const { path, scale } of lorasOf(options)) {
      const request = { option: "diffuse.lora", path, builtIn: undefined, ...named };
      loras.push({ file: await openWeights(request), scale });
    }
    const weights = await mending(() => mergeLoras(base, loras));
    await using stack = new AsyncDisposableStack();
    const device = stack.use(await openStageDevice(options, context));
    const model = stack.use(
      await mending(() =>
        CausalWanModel.load(device, weights, {
          sizes,
          chunk: { frames: chunk, height: height / spatialFactor, width: width / spatialFactor },
          window,
          attention: options.attention,
          profile: options.profile,
          signal: context.signal,
        })
      ),
    );
    return new DiffuseStage(stack.move(), model, options);
  }

  async *process(
    input: AsyncIterable<Conditioning>,
    { signal, stop, whenRunning, report }: RunContext,
  ): AsyncGenerator<Latents> {
    await using arriving = new Newest(input);
    const first = await arriving.next();
    if (first === undefined) return;
    let conditioning = first;
    const { latentFrames, chunk, window, sink, contextNoise } = this.#effective;
    const [, channels, height, width] = this.#model.latentsShape;
    const source = normalSource(
      this.#options.noise,
      conditioning.prompt.seed ?? this.#options.seed,
    );
    // A stop ends the pass in flight: the chunk it belongs to is given up, those before it are whole.
    const early = AbortSignal.any([signal, stop]);
    await this.#follow(conditioning, early);
    const chunks = rollout(this.#model.during(early), {
      latentFrames,
      chunk,
      window,
      sink,
      contextNoise,
      passes: this.#passes,
      noise: drawnNoise(source, channels * height * width, latentFrames),
      signal: early,
      onStep: (step) => report({ type: "step", ...step }),
      proceed: async () => {
        await whenRunning();
        return stop.aborted ? "stop" : undefined;
      },
      prepare: async ({ index }) => {
        const next = arriving.take();
        if (!next) return;
        conditioning = next;
        await this.#follow(next, early);
        report({ type: "prompt", chunk: index, text: next.prompt.text });
      },
    });
    try {
      for await (const { index, last, frames, latents } of chunks) {
        const shape = [frames, channels, height, width] as const;
        yield { index, last, data: latents, shape, prompt: conditioning.prompt };
      }
    } catch (error) {
      if (!(stop.aborted && !signal.aborted && error === stop.reason)) throw error;
    }
  }

  /** Gives the model a prompt for the chunks to come. */
  async #follow(conditioning: Conditioning, signal: AbortSignal): Promise<void> {
    const { textLen, textDim } = this.#effective.sizes;
    const { tokens, channels, embeddings } = conditioning;
    if (tokens !== textLen || channels !== textDim) {
      throw new UserError(
        `The text encoder gives ${tokens} tokens of ${channels} channels and the network ` +
          `"${this.#options.network}" takes ${textLen} of ${textDim}: choose the text encoder it was made with.`,
      );
    }
    await this.#model.condition(embeddings, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
