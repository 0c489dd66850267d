/** What a video begins with or is made over: the stage that encodes it, and what the other stages are told of it. */

import { UserError } from "./errors.ts";
import { type Diffusion, findDiffusion } from "./pictures.ts";
import type { AnyPlugin, StageSpec } from "./plugin.ts";

/** The plugin whose stage encodes what is given. */
const ENCODER = "encode-picture";

/** Latent frames of a clip that are given at most: 21 pictures. */
const MOST_GIVEN = 6;
/** Latent frames that an endless video is made over at most: 961 pictures, a minute. */
const MOST_OVER = 241;

/** What is given, as far as stages have to know of it. */
export interface OpeningKind {
  /** A picture begins the video; a clip is gone on from, or made over. */
  readonly kind: "image" | "video";
  /** How much of the clip is changed, above 0 and at most 1; left out, the video goes on from its end. */
  readonly strength?: number | undefined;
}

/** A change of one stage's options, spelt as in code. */
export interface StageChange {
  /** The stage's place. */
  readonly place: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Why a strength cannot be used, if so: what follows its name and a colon. */
export function refuseStrength(strength: number): string | undefined {
  return strength > 0 && strength <= 1
    ? undefined
    : `expected above 0 and at most 1, such as 0.6, got ${strength}.`;
}

/**
 * Why a pipeline cannot begin with what is given, if so: what follows the name of that and a colon.
 *
 * @param name the pipeline's
 */
export function refuseOpening(
  name: string,
  stages: readonly StageSpec[],
  { strength }: OpeningKind,
): string | undefined {
  // A stage of the pipeline's own may know a strength.
  if (stages.some(isEncoder)) return undefined;
  const found = findDiffusion(stages);
  if (found?.spec.takes !== "conditioning") {
    return `no stage of the pipeline "${name}" makes latent frames from a conditioning, so that nothing of it can be ` +
      "given.";
  }
  if (!found.whole || strength !== undefined) return undefined;
  return `the pipeline "${name}" makes the whole clip at once and cannot begin with something. ` +
    "Choose one whose network is causal, or make the video over a clip, with a strength.";
}

/**
 * What the stage that makes latent frames is told of a picture: it is the first latent frame, made before the chunks,
 * so that it need not stand still for one.
 */
export function openingChange(
  stages: readonly StageSpec[],
  { kind }: OpeningKind,
): StageChange | undefined {
  const found = findDiffusion(stages);
  if (kind !== "image" || stages.some(isEncoder) || found === undefined || found.alone === 1) {
    return undefined;
  }
  const { place, latents, spec } = found;
  if (!("independentFirstFrame" in spec.plugin.options.shape)) return undefined;
  const longer = latents > 0 && { latentFrames: latents + 1 };
  return { place, options: { independentFirstFrame: true, ...longer } };
}

/**
 * The stages with the one that encodes what is given, unless they have it.
 *
 * @param plugins among which its plugin is
 * @throws {UserError} where it is not
 */
export function withEncoder(
  stages: readonly StageSpec[],
  { strength }: OpeningKind,
  plugins: readonly AnyPlugin[],
): readonly StageSpec[] {
  const found = findDiffusion(stages);
  if (stages.some(isEncoder) || found === undefined) return stages;
  const plugin = plugins.find(({ name }) => name === ENCODER);
  if (plugin === undefined) {
    throw new UserError(`Nothing can be given: there is no plugin "${ENCODER}" to encode it.`);
  }
  const most = strength === undefined ? mostGiven(found) : found.latents || MOST_OVER;
  const spec = plugin({ ...autoencoderOf(stages), ...sizesOf(found), most, ...rateOf(stages) });
  return stages.toSpliced(found.place, 0, spec);
}

/**
 * Whether a video is made over a clip, and so is as long as that, which nobody has read yet: who asks for it says how
 * much of the clip is changed, or the pipeline's own stage does.
 */
export function isMadeOver(
  stages: readonly StageSpec[],
  { kind, strength }: OpeningKind,
): boolean {
  const own = stages.find(isEncoder)?.options as { readonly strength?: unknown } | undefined;
  return kind === "video" && (strength ?? own?.strength) !== undefined;
}

/** Whether a stage encodes what is given. It loads nothing where nothing is. */
export function isEncoder({ plugin }: StageSpec): boolean {
  return plugin.name === ENCODER;
}

/** The stage that decodes has the other half of the same network. */
function autoencoderOf(stages: readonly StageSpec[]): Record<string, unknown> {
  const decoder = stages.find(({ plugin }) => plugin.name === "decode");
  const options = (decoder?.options ?? {}) as Record<string, unknown>;
  const shared = ["network", "weights", "sizes", "precision", "device", "threads"];
  return Object.fromEntries(
    shared.flatMap((key) => options[key] === undefined ? [] : [[key, options[key]]]),
  );
}

function sizesOf({ spec, chunk, alone }: Diffusion) {
  const { height, width } = spec.options as Record<string, unknown>;
  return {
    ...(height !== undefined && { height }),
    ...(width !== undefined && { width }),
    chunk,
    independentFirstFrame: alone === 1,
  };
}

/** Latent frames of a clip's end: some of what is remembered is left for what is made, and something must be made. */
function mostGiven({ spec, latents, chunk, alone }: Diffusion): number {
  const { window } = spec.options as Record<string, unknown>;
  const rooms = [window, latents > 0 ? latents : undefined].flatMap((room) =>
    typeof room === "number" ? [Math.floor((room - alone) / chunk - 1) * chunk + alone] : []
  );
  return Math.max(chunk + alone, Math.min(MOST_GIVEN + alone, ...rooms));
}

function rateOf(stages: readonly StageSpec[]): { readonly fps?: number } {
  const { fps } = (stages.at(-1)?.options ?? {}) as { readonly fps?: unknown };
  return typeof fps === "number" ? { fps } : {};
}
