/** The finished chunks that a cache still holds, kept so that it can be filled anew. */

import { type ChunkPlan, placeChunk } from "./chunks.ts";
import type { CacheWindow } from "./ring.ts";

/** A chunk with its clean latents. */
export interface FinishedChunk<Latents> {
  /** Its place in the run. */
  readonly chunk: ChunkPlan;
  /** `[frames, channels, height, width]` in latent pixels, as the model hands them out. */
  readonly latents: Latents;
}

/** The finished chunks, `next` among them, of which the cache holds at least a frame after it. */
export function keepRecent<Latents>(
  chunks: readonly FinishedChunk<Latents>[],
  next: FinishedChunk<Latents>,
  { window, sink }: CacheWindow,
): FinishedChunk<Latents>[] {
  const oldest = next.chunk.frame + next.chunk.frames - (window - sink);
  return [...chunks, next].filter(({ chunk: { frame, frames } }) =>
    frame < sink || frame + frames > oldest
  );
}

/**
 * The places of finished chunks in an empty cache, filled from its beginning.
 *
 * @returns them, and how many frames the chunks after them must count as forgotten (`placeChunk`)
 */
export function replaceRecent<Latents>(
  chunks: readonly FinishedChunk<Latents>[],
  window: CacheWindow,
): { readonly chunks: FinishedChunk<Latents>[]; readonly forgotten: number } {
  let filled = 0;
  let forgotten = 0;
  const replaced = chunks.map(({ chunk, latents }) => {
    forgotten = chunk.frame - filled;
    filled += chunk.frames;
    return { chunk: placeChunk(chunk, window, forgotten), latents };
  });
  return { chunks: replaced, forgotten };
}
