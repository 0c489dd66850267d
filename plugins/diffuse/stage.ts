import {
  checkRunLength,
  drawnNoise,
  multiStepModel,
  normalSource,
  rollout,
  type RolloutOptions,
} from "../../engine/diffusion/mod.ts";
import {
  type Conditioning,
  type CreateContext,
  type GivenLatents,
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
import { CausalWanModel } from "./model.ts";
import { type DiffuseOptions, effective, type EffectiveOptions } from "./options.ts";
import { Programme } from "./programme.ts";
import { type Sampling, samplingOf } from "./sampling.ts";
import { openTransformer } from "./weights.ts";

/** Rolls out a causal Wan, chunk after chunk. */
export class DiffuseStage implements Stage<"conditioning", "latents"> {
  readonly name = "diffuse";
  readonly takes = "conditioning";
  readonly gives = "latents";
  readonly #stack: AsyncDisposableStack;
  readonly #model: CausalWanModel;
  readonly #options: DiffuseOptions;
  readonly #effective: EffectiveOptions;
  readonly #sampling: Sampling;

  private constructor(
    stack: AsyncDisposableStack,
    model: CausalWanModel,
    options: DiffuseOptions,
  ) {
    this.#stack = stack;
    this.#model = model;
    this.#options = options;
    this.#effective = effective(options);
    this.#sampling = samplingOf(this.#effective);
  }

  static async create(options: DiffuseOptions, context: CreateContext): Promise<DiffuseStage> {
    const { sizes, chunk, window, height, width, spatialFactor } = effective(options);
    const weights = await openTransformer(options, context.directory);
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
    if (options.independentFirstFrame) await model.prepare(1, context.signal);
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
    checkGiven(first);
    const { recache } = this.#options;
    const [, channels, height, width] = this.#model.latentsShape;
    const length = this.#length(first.given);
    const { latentFrames, givenFrames } = length;
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
    const chunks = this.#rollOut({
      ...length,
      ...(first.given && { given: first.given.data }),
      contextNoise: this.#effective.contextNoise,
      noise: drawnNoise(source, channels * height * width, latentFrames, givenFrames),
      signal: early,
      onStep: (step) => report({ type: "step", ...step }),
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
  #rollOut(options: Omit<RolloutOptions, "passes"> & { readonly signal: AbortSignal }) {
    const sampling = this.#sampling;
    if (sampling.kind === "few-step") {
      return rollout(this.#model.during(options.signal), { ...options, passes: sampling.passes });
    }
    const model = multiStepModel(this.#model.guessing(options.signal), sampling.guidance);
    return rollout(model, { ...options, passes: sampling.passes });
  }

  /** How long a run is that begins with what is given. */
  #length(given: GivenLatents | undefined) {
    const { latentFrames, chunk, window, sink, independentFirstFrame } = this.#effective;
    const [givenFrames, ...cells] = given?.shape ?? [0];
    const [, ...own] = this.#model.latentsShape;
    if (given && cells.join() !== own.join()) {
      throw new UserError(
        `The latents to begin with are of ${
          cells.join(" × ")
        } (channels, height, width) and the network ` +
          `"${this.#options.network}" makes ${
            own.join(" × ")
          }: give pictures of the size that is made.`,
      );
    }
    const length = { latentFrames, chunk, window, sink, independentFirstFrame, givenFrames };
    try {
      checkRunLength(length);
    } catch (error) {
      throw new UserError(
        `Options of diffuse do not fit what is given: ${(error as Error).message}.`,
        {
          cause: error,
        },
      );
    }
    return length;
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
        `The sampler "${this.#options.sampler}" with a guidance of ${this.#effective.guidance} needs a negative ` +
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

/** Refuses a picture or clip that nobody has encoded: it would be left out silently. */
function checkGiven({ prompt: { image, video }, given }: Conditioning): void {
  if (given || (image ?? video) === undefined) return;
  throw new UserError(
    `The prompt begins with ${
      image ?? video
    } and no stage encodes it: put encode-picture before diffuse.`,
  );
}
