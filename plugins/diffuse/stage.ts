import {
  drawnNoise,
  multiStepModel,
  noiseOver,
  normalSource,
  rollout,
  type RolloutOptions,
} from "../../engine/diffusion/mod.ts";
import {
  type Conditioning,
  type CreateContext,
  type Latents,
  Newest,
  type RunContext,
  type Stage,
  UserError,
} from "../../pipeline/mod.ts";
import type { LaterConditioning } from "../../pipeline/data.ts";
import { picturesOf } from "../../pipeline/pictures.ts";
import { openStageDevice } from "../_devices.ts";
import { mending } from "../_files.ts";
import { loadTransformer } from "./load.ts";
import { openingOf } from "./opening.ts";
import { type DiffuseOptions, effective, type EffectiveOptions } from "./options.ts";
import { Programme } from "./programme.ts";
import { type Sampling, samplingOf } from "./sampling.ts";
import type { Transformer } from "./transformer.ts";
import { openTransformer } from "./weights.ts";

/** Rolls out a Wan: a causal one chunk after chunk, a bidirectional one as one chunk that is the whole clip. */
export class DiffuseStage implements Stage<"conditioning", "latents"> {
  readonly name = "diffuse";
  readonly takes = "conditioning";
  readonly gives = "latents";
  readonly #stack: AsyncDisposableStack;
  readonly #model: Transformer;
  readonly #options: DiffuseOptions;
  readonly #effective: EffectiveOptions;
  readonly #sampling: Sampling;

  private constructor(
    stack: AsyncDisposableStack,
    model: Transformer,
    options: DiffuseOptions,
  ) {
    this.#stack = stack;
    this.#model = model;
    this.#options = options;
    this.#effective = effective(options);
    this.#sampling = samplingOf(this.#effective);
  }

  static async create(options: DiffuseOptions, context: CreateContext): Promise<DiffuseStage> {
    const weights = await openTransformer(options, context.directory);
    await using stack = new AsyncDisposableStack();
    const device = stack.use(await openStageDevice(options, context));
    const model = stack.use(
      await mending(() => loadTransformer(device, weights, options, context.signal)),
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
    let conditioning: Conditioning | LaterConditioning = first;
    const { recache, kind } = this.#effective;
    const [, channels, height, width] = this.#model.latentsShape;
    const { length, given, over } = openingOf(first, {
      run: this.#effective,
      network: this.#options.network,
      cells: [channels, height, width],
      report,
    });
    const { latentFrames, givenFrames } = length;
    const sampling = over ? samplingOf(this.#effective, over.strength) : this.#sampling;
    if (over && over.strength < 1 && sampling.passes.length === this.#sampling.passes.length) {
      report({
        type: "warning",
        message:
          `A strength of ${over.strength} is as good as 1 with so few steps: nothing of the clip is left.`,
      });
    }
    const last = latentFrames === 0 ? Infinity : picturesOf(latentFrames - length.chunk);
    const programme = new Programme(arriving, first, { last, report });
    const source = normalSource(
      this.#options.noise,
      conditioning.prompt.seed ?? this.#options.seed,
    );
    if (conditioning.negative && !this.#sampling.guided) {
      report({
        type: "warning",
        message: `The negative prompt is not heard: ${
          this.#sampling.kind === "few-step"
            ? "few-step networks have their guidance built in"
            : "a guidance of 1 leaves it out"
        }.`,
      });
    }
    // A stop ends the pass in flight: the chunk it belongs to is given up, those before it are whole.
    const early = AbortSignal.any([signal, stop]);
    await this.#follow(conditioning, early);
    let next: typeof conditioning | undefined;
    const size = channels * height * width;
    const drawn = drawnNoise(source, size, latentFrames, givenFrames);
    // At full strength the schedule is entered at pure noise, though its first sigma may be a little below 1.
    const mixed = over !== undefined && over.strength < 1;
    const chunks = this.#rollOut(sampling, {
      ...length,
      ...(given && { given }),
      contextNoise: this.#effective.contextNoise,
      noise: mixed ? noiseOver(drawn, over.latents, size, sampling.passes[0]!.sigma) : drawn,
      signal: early,
      onStep: (step) => {
        report({ type: "step", ...step });
        // A causal network looks for another prompt before its next chunk; this one has none.
        if (kind === "bidirectional" && arriving.take()) report(tooLate);
      },
      proceed: async () => {
        await whenRunning();
        return stop.aborted ? "stop" : undefined;
      },
      ...(recache && {
        recache: ({ frame }) => (next = programme.at(picturesOf(frame))) !== undefined,
      }),
      prepare: async ({ index, frame }) => {
        const turn = recache && index > 0 ? next : programme.at(picturesOf(frame));
        if (!turn) return;
        conditioning = turn;
        await this.#follow(turn, early);
        const { text } = turn.prompt;
        report({ type: "prompt", chunk: index, text, first: picturesOf(frame) });
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

  /** Drives the model by the sampler that was chosen. */
  #rollOut(
    sampling: Sampling,
    options: Omit<RolloutOptions, "passes"> & { readonly signal: AbortSignal },
  ) {
    if (sampling.kind === "few-step") {
      return rollout(this.#model.during(options.signal), { ...options, passes: sampling.passes });
    }
    const model = multiStepModel(this.#model.guessing(options.signal), sampling.guidance);
    return rollout(model, { ...options, passes: sampling.passes });
  }

  /** Gives the model a prompt for the chunks to come. */
  async #follow(
    conditioning: LaterConditioning | Conditioning,
    signal: AbortSignal,
  ): Promise<void> {
    const { textLen, textDim } = this.#effective.sizes;
    const { tokens, channels, embeddings, negative } = conditioning;
    if (tokens !== textLen || channels !== textDim) {
      throw new UserError(
        `The text encoder gives ${tokens} tokens of ${channels} channels and the network ` +
          `"${this.#options.network}" takes ${textLen} of ${textDim}: choose the text encoder it was made with.`,
      );
    }
    await this.#model.condition(embeddings, signal);
    if (!this.#sampling.guided) return;
    if (!negative) {
      throw new UserError(
        `The sampler "${this.#effective.sampler}" with a guidance of ${this.#effective.guidance} needs a negative ` +
          `prompt and there is none: give encode-text one (negative: "blurry, low quality"; empty will do), ` +
          `or diffuse a guidance of 1.`,
      );
    }
    await this.#model.condition(negative, signal, "negative");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Of a prompt that comes while the whole clip is being made. */
const tooLate = {
  type: "warning",
  message: "A prompt that comes later is not followed: this network makes the whole clip at once.",
} as const;
