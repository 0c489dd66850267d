/** The states of a run and the ways between them. */
import type { RunState } from "./wire.ts";

const WAYS: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ["starting", "cancelled"],
  starting: ["streaming", "cancelled", "failed"],
  streaming: ["finished", "cancelled", "failed"],
  finished: [],
  cancelled: [],
  failed: [],
};

/** Whether nothing follows a state. */
export function isFinal(state: RunState): boolean {
  return WAYS[state].length === 0;
}

/**
 * The state after a step from `from` to `to`.
 *
 * @throws {Error} where no way leads there: the server's own mistake.
 */
export function step(from: RunState, to: RunState): RunState {
  if (WAYS[from].includes(to)) return to;
  const ways = WAYS[from].join(", ") || "nothing";
  throw new Error(`A run cannot go from ${from} to ${to}: expected ${ways}.`);
}
