/** One run of the stage: what it begins with, which prompts it follows, and how its chunks are made. */

import {
  drawnNoise,
  multiStepModel,
  noiseOver,
  normalSource,
  rollout,
  type RolloutChunk,
  type RolloutNoise,
  type RolloutOptions,
} from "../../engine/diffusion/mod.ts";
import type { Conditioning, Latents, LaterConditioning } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { Newest } from "../../pipeline/newest.ts";
import { picturesOf } from "../../pipeline/pictures.ts";
import type { RunContext } from "../../pipeline/stage.ts";
import { type Opening, openingOf } from "./opening.ts";
import type { DiffuseOptions, EffectiveOptions } from "./options.ts";
import { Programme } from "./programme.ts";
import { type Sampling, samplingOf } from "./sampling.ts";
import type { Transformer } from "./transformer.ts";

/** What runs of a stage have in common. */
export interface RunTools {
  readonly model: Transformer;
  readonly options: DiffuseOptions;
  readonly effective: EffectiveOptions;
}

/** A run, which is gone through once. */
export class DiffusionRun {
  readonly #tools: RunTools;
  readonly #arriving: Newest<Conditioning>;
  readonly #context: RunContext;
  /** A stop ends the pass in flight: the chunk it belongs to is given up, those before it are whole. */
  readonly #early: AbortSignal;
  readonly #opening: Opening;
  readonly #sampling: Sampling;
  readonly #noise: RolloutNoise;
  readonly #programme: Programme;
  #followed: Conditioning | LaterConditioning;

  /**
   * @param arriving what comes after `first`
   * @throws {UserError} if a run cannot begin with `first`, or could never follow what it has for later
   */
  constructor(
    tools: RunTools,
    arriving: Newest<Conditioning>,
    first: Conditioning,
    context: RunContext,
  ) {
    const { options: { network }, effective, model } = tools;
    const { report, signal, stop } = context;
    const [, ...cells] = model.latentsShape;
    this.#tools = tools;
    this.#arriving = arriving;
    this.#context = context;
    this.#early = AbortSignal.any([signal, stop]);
    this.#followed = first;
    this.#opening = openingOf(first, { run: effective, network, cells, report });
    this.#sampling = samplingOf(effective, this.#opening.over?.strength);
    this.#noise = this.#drawn(first.prompt.seed ?? tools.options.seed);
    const { latentFrames, chunk } = this.#opening.length;
    const last = latentFrames === 0 ? Infinity : picturesOf(Math.max(0, latentFrames - chunk));
    this.#programme = new Programme(arriving, first, { last, report });
    this.#warn(first);
  }

  /** The chunks; where the run is stopped, those that are whole by then. */
  async *latents(): AsyncGenerator<Latents> {
    const { signal, stop } = this.#context;
    const [, ...cells] = this.#tools.model.latentsShape;
    try {
      await this.#follow(this.#followed);
      for await (const { index, last, frames, latents } of this.#rollOut()) {
        const shape = [frames, ...cells] as const;
        yield { index, last, data: latents, shape, prompt: this.#followed.prompt };
      }
    } catch (error) {
      if (!(stop.aborted && !signal.aborted && error === stop.reason)) throw error;
    }
  }

  /** Tells what of a prompt, or of its clip, has no part in the video. */
  #warn({ negative }: Conditioning): void {
    const { report } = this.#context;
    const { over } = this.#opening;
    const { kind, guided, passes } = this.#sampling;
    if (
      over && over.strength < 1 && passes.length === samplingOf(this.#tools.effective).passes.length
    ) {
      const message = `A strength of ${over.strength} runs all of so few steps, as 1 does: ` +
        "next to nothing of the clip is left.";
      report({ type: "warning", message });
    }
    if (negative && !guided) {
      const why = kind === "few-step"
        ? "few-step networks have their guidance built in"
        : "a guidance of 1 leaves it out";
      report({ type: "warning", message: `The negative prompt is not heard: ${why}.` });
    }
  }

  #drawn(seed: number): RolloutNoise {
    const { over, length: { latentFrames, givenFrames } } = this.#opening;
    const [, channels, height, width] = this.#tools.model.latentsShape;
    const size = channels * height * width;
    const source = normalSource(this.#tools.options.noise, seed);
    const drawn = drawnNoise(source, size, latentFrames, givenFrames);
    // At full strength the schedule is entered at pure noise, though its first sigma may be a little below 1.
    if (!over || over.strength === 1) return drawn;
    return noiseOver(drawn, over.latents, size, this.#sampling.passes[0]!.sigma);
  }

  /** Drives the model by the sampler that was chosen. */
  #rollOut(): AsyncGenerator<RolloutChunk> {
    const { model, effective: { contextNoise } } = this.#tools;
    const { length, given } = this.#opening;
    const options = {
      ...length,
      ...(given && { given }),
      ...{ contextNoise, noise: this.#noise, signal: this.#early },
      ...this.#between(),
    };
    const sampling = this.#sampling;
    if (sampling.kind === "few-step") {
      return rollout(model.during(this.#early), { ...options, passes: sampling.passes });
    }
    const guided = multiStepModel(model.guessing(this.#early), sampling.guidance);
    return rollout(guided, { ...options, passes: sampling.passes });
  }

  /** What is done between a run's passes and chunks. */
  #between(): Pick<RolloutOptions, "onStep" | "proceed" | "prepare" | "recache"> {
    const { report, stop, whenRunning } = this.#context;
    const { kind, recache } = this.#tools.effective;
    let next: Conditioning | LaterConditioning | undefined;
    return {
      onStep: (step) => {
        report({ type: "step", ...step });
        // A causal network looks for another prompt before its next chunk; this one has none.
        if (kind === "bidirectional" && this.#arriving.take()) report(tooLate);
      },
      proceed: async () => {
        await whenRunning();
        return stop.aborted ? "stop" : undefined;
      },
      ...(recache && {
        recache: ({ frame }) => (next = this.#programme.at(picturesOf(frame))) !== undefined,
      }),
      prepare: async ({ index, frame }) => {
        const picture = picturesOf(frame);
        // `recache` is not asked before the first chunk, and has asked the programme before the others.
        const turn = recache && index > 0 ? next : this.#programme.at(picture);
        if (!turn) return;
        await this.#follow(turn);
        report({ type: "prompt", chunk: index, text: turn.prompt.text, first: picture });
      },
    };
  }

  /** Gives the model a prompt for the chunks to come. */
  async #follow(conditioning: LaterConditioning | Conditioning): Promise<void> {
    const { model, options: { network }, effective } = this.#tools;
    const { sizes: { textLen, textDim }, sampler, guidance } = effective;
    const { tokens, channels, embeddings, negative } = conditioning;
    if (tokens !== textLen || channels !== textDim) {
      throw new UserError(
        `The text encoder gives ${tokens} tokens of ${channels} channels and the network ` +
          `"${network}" takes ${textLen} of ${textDim}: choose the text encoder it was made with.`,
      );
    }
    this.#followed = conditioning;
    await model.condition(embeddings, this.#early);
    if (!this.#sampling.guided) return;
    if (!negative) {
      throw new UserError(
        `The sampler "${sampler}" with a guidance of ${guidance} needs a negative ` +
          `prompt and there is none: give encode-text one (negative: "blurry, low quality"; empty will do), ` +
          `or diffuse a guidance of 1.`,
      );
    }
    await model.condition(negative, this.#early, "negative");
  }
}

/** Of a prompt that comes while the whole clip is being made. */
const tooLate = {
  type: "warning",
  message: "A prompt that comes later is not followed: this network makes the whole clip at once.",
} as const;
