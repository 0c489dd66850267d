/** What stages that are being made are at, in words. */

import type { OpenEvent } from "./events.ts";

/** What each stage is at that is still being made, in the order they were heard of. */
export type StagesLoading = ReadonlyMap<string, string>;

/** The same after an event: `weights in 8 bits 37%`. */
export function advanceLoading(loading: StagesLoading, event: OpenEvent): StagesLoading {
  const next = new Map(loading);
  if (event.type === "loaded") next.delete(event.stage);
  else {
    const { stage, work, done, total } = event;
    next.set(stage, total > 0 ? `${work} ${Math.floor(100 * done / total)}%` : work);
  }
  return next;
}

/** Each in a few words: `encode-text: weights in 8 bits 37%`. */
export function loadingWords(loading: StagesLoading): string[] {
  return [...loading].map(([stage, work]) => `${stage}: ${work}`);
}
