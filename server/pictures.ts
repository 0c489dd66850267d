/** From pictures, which people count, to latent frames, which a diffusion stage counts. */
import type { StageSpec } from "../pipeline/plugin.ts";

/**
 * Pictures a latent frame after the first stands for. The first stands for one: the decoders are causal
 * in time.
 */
const PICTURES_A_LATENT = 4;

/** Most latent frames a chunk is looked for among. */
const LARGEST_CHUNK = 256;

/** The stage that makes latent frames by the chunk. */
export interface Diffusion {
  /** Its place in the pipeline. */
  readonly place: number;
  /** Latent frames in all; 0 is endless. */
  readonly latents: number;
  /** Latent frames of a chunk. */
  readonly chunk: number;
}

/** Finds the stage that makes latent frames, by its options `latentFrames` and `chunk`. */
export function findDiffusion(stages: readonly StageSpec[]): Diffusion | undefined {
  for (const [place, spec] of stages.entries()) {
    const { latentFrames } = spec.options as { latentFrames?: unknown };
    const chunk = typeof latentFrames === "number" ? chunkOf(spec) : undefined;
    if (chunk !== undefined) return { place, latents: latentFrames as number, chunk };
  }
}

/**
 * Where the option is left out the network decides: then a chunk is the fewest latent frames that the
 * plugin accepts.
 */
function chunkOf({ options, plugin }: StageSpec): number | undefined {
  const { chunk } = options as { chunk?: unknown };
  if (typeof chunk === "number") return chunk;
  if (!("chunk" in plugin.options.shape)) return undefined;
  for (let latentFrames = 1; latentFrames <= LARGEST_CHUNK; latentFrames++) {
    if (plugin.options.safeParse({ ...options as object, latentFrames }).success) {
      return latentFrames;
    }
  }
}

/** How many pictures latent frames decode to. */
export function picturesOf(latents: number): number {
  return latents === 0 ? 0 : PICTURES_A_LATENT * (latents - 1) + 1;
}

/**
 * Latent frames for a number of pictures; 0, which means endless, stays 0.
 *
 * @throws {RangeError} where whole chunks cannot give that many; it names the nearest that they can.
 */
export function latentsFor(pictures: number, chunk: number): number {
  const latents = pictures === 0 ? 0 : (pictures - 1) / PICTURES_A_LATENT + 1;
  if (Number.isInteger(latents) && latents % chunk === 0) return latents;
  const nearest = nearestPictures(pictures, chunk).join(" or ");
  throw new RangeError(
    `A video of ${pictures} pictures cannot be made: it is made in chunks of ${chunk} latent ` +
      `frames. Nearest: ${nearest}; 0 goes on until it is stopped.`,
  );
}

/** The possible numbers of pictures around one, nearest first. */
export function nearestPictures(pictures: number, chunk: number): number[] {
  const chunks = ((pictures - 1) / PICTURES_A_LATENT + 1) / chunk;
  const around = [Math.max(1, Math.floor(chunks)), Math.max(1, Math.ceil(chunks))];
  const counts = around.map((count) => picturesOf(count * chunk));
  return [...new Set(counts)].sort((a, b) => Math.abs(a - pictures) - Math.abs(b - pictures));
}
