/** From pictures, which people count, to latent frames, which a diffusion stage counts. */

import type { StageSpec } from "./plugin.ts";

/**
 * Pictures a latent frame after the first stands for. The first stands for one: the Wan VAE, and the
 * small decoders that stand in for it, are causal in time.
 */
const PICTURES_A_LATENT = 4;

/** How many pictures `latents` latent frames decode to. */
export function picturesOf(latents: number): number {
  return latents === 0 ? 0 : PICTURES_A_LATENT * (latents - 1) + 1;
}

/** How the pictures of a video come. */
export interface Made {
  /** Latent frames before the first chunk, 0 or 1. Default: 0. */
  readonly alone?: number;
  /** Whether all of it is made at once, which has an end. Default: false. */
  readonly whole?: boolean;
  /** Whether something is given that the video goes on from, so that there is a chunk to make behind. Default: false. */
  readonly given?: boolean;
}

/**
 * Latent frames for a number of pictures; 0, which means endless, stays 0.
 *
 * @throws {RangeError} where whole chunks of `chunk` latent frames cannot give that many; it names
 * the nearest counts that they can.
 */
export function latentsFor(pictures: number, chunk: number, made: Made = {}): number {
  if (pictures === 0) return 0;
  const { alone = 0, whole = false } = made;
  const chunks = chunksFor(pictures, chunk, alone);
  if (Number.isInteger(chunks) && chunks >= fewestChunks(made)) return alone + chunks * chunk;
  const nearest = nearestCounts(pictures, chunk, made);
  throw new RangeError(
    `A video of ${pictures} ${pictures === 1 ? "frame" : "frames"} cannot be made: it is made ${
      whole
        ? "of latent frames"
        : `in chunks of ${chunk} latent ${chunk === 1 ? "frame" : "frames"}`
    }, which${alone > 0 ? " behind the first picture" : ""} give ${
      firstCounts(chunk, made)
    } frames. ` +
      `Nearest: ${nearest.join(" or ")}${whole ? "" : "; 0 goes on until it is stopped"}.`,
  );
}

/** Chunks for a number of pictures, with what is over as a fraction. */
function chunksFor(pictures: number, chunk: number, alone: number): number {
  return ((pictures - 1) / PICTURES_A_LATENT + 1 - alone) / chunk;
}

/** A picture alone is a video, unless it is given. */
function fewestChunks({ alone = 0, given = false }: Made): number {
  return alone > 0 && !given ? 0 : 1;
}

function firstCounts(chunk: number, made: Made): string {
  const { alone = 0 } = made;
  const first = fewestChunks(made);
  const counts = [first, first + 1, first + 2].map((chunks) => picturesOf(alone + chunks * chunk));
  return counts.join(", ") + ", …";
}

/** The possible counts just below and just above, nearest first; the smallest, if none is below. */
export function nearestCounts(pictures: number, chunk: number, made: Made = {}): number[] {
  const { alone = 0 } = made;
  const chunks = chunksFor(pictures, chunk, alone);
  const fewest = fewestChunks(made);
  const around = [Math.floor(chunks), Math.ceil(chunks)].filter((count) => count >= fewest);
  const counts = (around.length ? around : [fewest]).map((count) =>
    picturesOf(alone + count * chunk)
  );
  return [...new Set(counts)].sort((a, b) => Math.abs(a - pictures) - Math.abs(b - pictures));
}

/** The stage that makes latent frames by the chunk. */
export interface Diffusion {
  /** Its place among the stages. */
  readonly place: number;
  readonly spec: StageSpec;
  /** Latent frames in all; 0 in an endless run. */
  readonly latents: number;
  /** Latent frames made at once; where that is all of them, 1: any number will do. */
  readonly chunk: number;
  /** Whether all latent frames are made at once, as one chunk. Such a run has an end. */
  readonly whole: boolean;
  /** Latent frames before the first chunk: 1 where the first is a chunk of its own. */
  readonly alone: 0 | 1;
}

/** What a stage that makes latent frames is known by. */
interface DiffusionOptions {
  readonly latentFrames?: unknown;
  readonly chunk?: unknown;
  readonly independentFirstFrame?: unknown;
}

/** The stage that makes latent frames, if one does: the one with an option `latentFrames`. */
export function findDiffusion(stages: readonly StageSpec[]): Diffusion | undefined {
  for (const [place, spec] of stages.entries()) {
    const { latentFrames: latents, independentFirstFrame } = spec.options as DiffusionOptions;
    const chunk = typeof latents === "number" ? chunkOf(spec) : undefined;
    if (typeof latents !== "number" || chunk === undefined) continue;
    const alone = independentFirstFrame === true ? 1 : 0;
    return { place, spec, latents, chunk, whole: refusesChunks(spec), alone };
  }
}

/** How many chunks a run is made of; none of an endless run. */
export function chunksOf({ latents, chunk, whole, alone }: Diffusion): number | undefined {
  if (latents === 0) return undefined;
  return whole ? 1 : alone + Math.ceil((latents - alone) / chunk);
}

/** Whether a stage that has chunks as an option takes none with the others it was told. */
function refusesChunks({ options, plugin }: StageSpec): boolean {
  const { chunk } = options as DiffusionOptions;
  if (chunk !== undefined || !("chunk" in plugin.options.shape)) return false;
  const { error } = plugin.options.safeParse({ ...options as object, chunk: 1 });
  const issues: readonly { readonly path: readonly PropertyKey[] }[] = error?.issues ?? [];
  return issues.some(({ path }) => path[0] === "chunk");
}

/** Most latent frames a chunk is looked for among. */
const LARGEST_CHUNK = 256;

/**
 * Latent frames of a chunk. Where the option is left out the network decides: then it is the fewest
 * latent frames that the plugin accepts.
 */
function chunkOf(spec: StageSpec): number | undefined {
  const { chunk } = spec.options as DiffusionOptions;
  if (typeof chunk === "number") return chunk;
  if (!("chunk" in spec.plugin.options.shape)) return undefined;
  const { options: given, plugin } = spec;
  const whole = "independentFirstFrame" in plugin.options.shape && { independentFirstFrame: false };
  for (let latentFrames = 1; latentFrames <= LARGEST_CHUNK; latentFrames++) {
    const options = { ...given as object, ...whole, latentFrames };
    if (plugin.options.safeParse(options).success) return latentFrames;
  }
}
