/** From pictures, which people count, to latent frames, which the diffusion model counts. */

/**
 * Pictures a latent frame after the first stands for. The first stands for one: the Wan VAE, and the
 * small decoders that stand in for it, are causal in time.
 */
const PICTURES_A_LATENT = 4;

/** How many pictures `latents` latent frames decode to. */
export function picturesOf(latents: number): number {
  return latents === 0 ? 0 : PICTURES_A_LATENT * (latents - 1) + 1;
}

/**
 * Latent frames for a number of pictures; 0, which means endless, stays 0.
 *
 * @param alone latent frames before the first chunk, 0 or 1
 * @throws {RangeError} where whole chunks of `chunk` latent frames cannot give that many; it names
 * the nearest counts that they can.
 */
export function latentsFor(pictures: number, chunk: number, alone = 0): number {
  if (pictures === 0) return 0;
  const latents = (pictures - 1) / PICTURES_A_LATENT + 1;
  if (Number.isInteger(latents) && latents > alone && (latents - alone) % chunk === 0) {
    return latents;
  }
  const nearest = nearestCounts(pictures, chunk, alone);
  throw new RangeError(
    `A video of ${pictures} frames cannot be made: it is made in chunks of ${chunk} latent ` +
      `${chunk === 1 ? "frame" : "frames"}, which${
        alone > 0 ? " behind the first picture" : ""
      } give ${firstCounts(chunk, alone)} frames. ` +
      `Nearest: ${nearest.join(" or ")}; 0 goes on until Ctrl-C.`,
  );
}

function firstCounts(chunk: number, alone: number): string {
  return [1, 2, 3].map((chunks) => picturesOf(alone + chunks * chunk)).join(", ") + ", …";
}

/** The possible counts just below and just above, nearest first; the smallest, if none is below. */
export function nearestCounts(pictures: number, chunk: number, alone = 0): number[] {
  const chunks = ((pictures - 1) / PICTURES_A_LATENT + 1 - alone) / chunk;
  const around = [Math.floor(chunks), Math.ceil(chunks)].filter((count) => count > 0);
  const counts = (around.length ? around : [1]).map((count) => picturesOf(alone + count * chunk));
  return [...new Set(counts)].sort((a, b) => Math.abs(a - pictures) - Math.abs(b - pictures));
}
