/** A rollout's noise, made while the network computes. */

import { type ChunkPlan, planChunks, type RunLength } from "./chunks.ts";
import type { Draft } from "./draft.ts";
import type { RolloutNoise } from "./noise.ts";
import type { RolloutPass } from "./pass.ts";

/** What a chunk begins with and what its first pass mixes in are wanted with nothing to wait for between them. */
const ahead = 2;
/** Milliseconds that noise is made for before others have a turn. Small noise is whole in one. */
const turnMs = 1;

/**
 * The noise that a run needs, in its order: at most two are made before they are asked for. Which values there are does
 * not depend on how much of them was made ahead.
 */
export class NoiseAhead {
  readonly #noise: RolloutNoise;
  readonly #needs: Iterator<Need>;
  readonly #drafts: Draft[] = [];

  constructor(noise: RolloutNoise, run: RunLength, passes: readonly RolloutPass[]) {
    this.#noise = noise;
    this.#needs = needs(run, passes);
  }

  /** What comes next. */
  take(): Float32Array {
    return (this.#drafts.shift() ?? this.#begin()!).finish();
  }

  /**
   * Waits for the network, and makes noise in the meantime, a millisecond or two at a time: the network's inputs may still
   * be on their way, and others may be waiting for this thread.
   */
  async during(work: Promise<void> | void): Promise<void> {
    if (!(work instanceof Promise) || !this.#noise.draft) return await work;
    let failure: { readonly error: unknown } | undefined;
    const turn = () => {
      try {
        const began = performance.now();
        while (this.#advance()) {
          if (performance.now() - began > turnMs) return void (timer = setTimeout(turn, 0));
        }
      } catch (error) {
        failure = { error };
      }
    };
    let timer = setTimeout(turn, 0);
    try {
      await work;
    } finally {
      clearTimeout(timer);
    }
    if (failure) throw failure.error;
  }

  /** Makes some noise; tells whether there may be more to make. */
  #advance(): boolean {
    if (this.#drafts.some((draft) => draft.advance())) return true;
    if (this.#drafts.length === ahead) return false;
    const draft = this.#begin();
    if (draft) this.#drafts.push(draft);
    return draft !== undefined;
  }

  #begin(): Draft | undefined {
    const { value, done } = this.#needs.next();
    if (done) return undefined;
    const noise = this.#noise;
    const { chunk, pass } = value;
    if (noise.draft) return noise.draft(chunk, pass);
    return {
      advance: () => false,
      finish: () => pass ? noise.renoise(chunk, pass) : noise.initial(chunk),
    };
  }
}

interface Need {
  readonly chunk: ChunkPlan;
  /** The pass that mixes it in; none where the chunk begins with it. */
  readonly pass?: RolloutPass;
}

function* needs(run: RunLength, passes: readonly RolloutPass[]): Generator<Need, void, void> {
  for (const chunk of planChunks(run)) {
    if (chunk.given) continue;
    yield { chunk };
    for (const pass of passes) if (pass.renoise !== undefined) yield { chunk, pass };
  }
}
