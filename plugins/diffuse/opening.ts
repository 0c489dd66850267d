/** What a run begins with, and how long it is. */

import { checkRunLength, type RunLength } from "../../engine/diffusion/mod.ts";
import type { Conditioning, GivenLatents } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import { picturesOf } from "../../pipeline/pictures.ts";
import type { EffectiveOptions } from "./options.ts";

/** A run's length, and the latents it begins with or is made over. */
export interface Opening {
  readonly length: RunLength & { readonly givenFrames: number };
  /** Handed out as they are, before what is made. */
  readonly given?: Float32Array;
  /** What the video is made over, `length.latentFrames` of it, and how much of it is changed. */
  readonly over?: { readonly latents: Float32Array; readonly strength: number };
}

/** What an opening is looked at for. */
export interface OpeningRequest {
  readonly run: EffectiveOptions;
  /** The network's name. */
  readonly network: string;
  /** Of the latents that it makes. */
  readonly cells: readonly [channels: number, height: number, width: number];
  /** Told what of a clip is left out. */
  readonly report: (event: StageEvent) => void;
}

/**
 * How a run begins that follows a conditioning.
 *
 * @throws {UserError} if it cannot begin with what is given, or if something was to be given and nobody has encoded it:
 * it would be left out silently
 */
export function openingOf(conditioning: Conditioning, request: OpeningRequest): Opening {
  const { run } = request;
  const { given, then = [] } = conditioning;
  const whole = `The network "${request.network}" makes the whole clip at once`;
  if (run.kind === "bidirectional" && then.length > 0) {
    throw new UserError(
      `${whole} and follows one prompt, and this one has ${then.length} more for later: choose a causal network, ` +
        "or leave them out.",
    );
  }
  checkEncoded(conditioning);
  if (!given) return { length: checked(run, 0) };
  checkCells(given, request);
  if (given.strength !== undefined) return overOf(given, given.strength, request);
  if (run.kind === "bidirectional") {
    const { image, video } = conditioning.prompt;
    throw new UserError(
      `${whole} and cannot begin with ${
        image ?? video ?? "given latents"
      }: choose a causal network, which goes on ` +
        `from pictures and clips${
          image === undefined ? ", or say how much of the clip to change (strength)" : ""
        }.`,
    );
  }
  return { length: checked(run, given.shape[0]), given: given.data };
}

/** A run over a clip: as long as that, in whole chunks, and at most as long as the options say. */
function overOf(given: GivenLatents, strength: number, { run, report }: OpeningRequest): Opening {
  if (!(strength > 0 && strength <= 1)) {
    throw new UserError(
      `A clip cannot be changed with a strength of ${strength}: expected above 0 and at most 1, such as 0.6.`,
    );
  }
  const { latentFrames, independentFirstFrame } = run;
  const [frames] = given.shape;
  const chunk = run.kind === "bidirectional" ? 1 : run.chunk;
  const alone = independentFirstFrame ? 1 : 0;
  const most = latentFrames === 0 ? frames : Math.min(frames, latentFrames);
  const made = alone + Math.floor((most - alone) / chunk) * chunk;
  if (made <= 0) {
    throw new UserError(
      `A clip of ${frames} latent frames cannot be made over in chunks of ${chunk}: expected at least ${chunk}, ` +
        `which are ${picturesOf(chunk)} pictures.`,
    );
  }
  if (made < frames) {
    report({
      type: "warning",
      message: `Of the clip's ${frames} latent frames the first ${made} are made over, ` +
        `${picturesOf(made)} pictures: ${
          most < frames ? `latent-frames is ${latentFrames}` : `chunks are of ${chunk}`
        }.`,
    });
  }
  const whole = run.kind === "bidirectional" ? { chunk: made, window: made } : {};
  return {
    length: checked({ ...run, ...whole, latentFrames: made }, 0),
    over: { latents: given.data.subarray(0, made * (given.data.length / frames)), strength },
  };
}

function checkEncoded({ prompt: { image, video, strength }, given }: Conditioning): void {
  const path = image ?? video;
  if (!given && path !== undefined) {
    throw new UserError(
      `The prompt begins with ${path} and no stage encodes it: put encode-picture before diffuse.`,
    );
  }
  if (strength !== undefined && given?.strength === undefined) {
    throw new UserError(
      `The prompt has a strength of ${strength} and no clip to change: give it one (video), or leave the strength out.`,
    );
  }
}

function checkCells(given: GivenLatents, { cells, network }: OpeningRequest): void {
  const [, ...own] = given.shape;
  if (own.join() === cells.join()) return;
  throw new UserError(
    `The latents to begin with are of ${
      own.join(" × ")
    } (channels, height, width) and the network ` +
      `"${network}" makes ${cells.join(" × ")}: give pictures of the size that is made.`,
  );
}

function checked(run: EffectiveOptions, givenFrames: number): Opening["length"] {
  const { latentFrames, chunk, window, sink, independentFirstFrame } = run;
  const length = { latentFrames, chunk, window, sink, independentFirstFrame, givenFrames };
  if (latentFrames > 0 && givenFrames >= latentFrames) {
    const least = givenFrames + chunk;
    throw new UserError(
      `Nothing is left to be made of a video of ${
        picturesOf(latentFrames)
      } pictures that begins with ` +
        `${picturesOf(givenFrames)} given ones: expected at least ${picturesOf(least)} pictures ` +
        `(latent-frames: ${least}).`,
    );
  }
  try {
    checkRunLength(length);
  } catch (error) {
    throw new UserError(
      `Options of diffuse do not fit what is given: ${(error as Error).message}.`,
      { cause: error },
    );
  }
  return length;
}
