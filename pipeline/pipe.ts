import { OpenedPipeline } from "./_open.ts";
import type { Kind } from "./data.ts";
import { UserError } from "./errors.ts";
import type { AnyPlugin, StageSpec } from "./plugin.ts";
import type { OpenOptions, OpenPipeline, Pipeline } from "./run.ts";

/** What can be joined: a stage, or stages joined before. */
export type Part = StageSpec | Pipeline;

/**
 * `Parts`, each that cannot take what the one before it gives replaced by one that could. A kind known
 * only at run time passes here.
 */
export type Joined<Given extends Kind, Parts extends readonly Part[]> = Parts extends
  readonly [infer Next extends Part, ...infer More extends readonly Part[]] ? [
    Kind extends Given ? Next
      : [Given] extends [Next["takes"]] ? Next
      : StageSpec<Given, Next["gives"]>,
    ...Joined<Next["gives"], More>,
  ]
  : Parts;

/** What the last of `Parts` gives. */
export type LastKind<Parts extends readonly Part[]> = Parts extends
  readonly [...readonly Part[], infer End extends Part] ? End["gives"]
  : Parts[number]["gives"];

/**
 * Joins stages in the order data flows: each takes the kind that the one before it gives, or it does
 * not compile.
 *
 * ```ts ignore
 * const film = pipe(encodeText(), diffuse({ latentFrames: 21 }), decode());
 * ```
 *
 * @throws {UserError} at run time where types did not know the kinds; it names both stages and kinds.
 */
export function pipe<First extends Part, const More extends readonly Part[]>(
  first: First,
  ...more: More & Joined<First["gives"], More>
): Pipeline<First["takes"], LastKind<[First, ...More]>> {
  const parts: readonly Part[] = [first, ...more];
  const stages = parts.flatMap((part) => "stages" in part ? part.stages : [part]);
  return joinStages(stages) as Pipeline<First["takes"], LastKind<[First, ...More]>>;
}

/** A pair of neighbours that do not fit: `stages[index]` cannot take what comes before it. */
export interface Mismatch {
  readonly index: number;
  readonly message: string;
}

/** The first stage that cannot take what the one before it gives. */
export function findMismatch(stages: readonly StageSpec[]): Mismatch | undefined {
  for (const [i, { plugin }] of stages.entries()) {
    const before = stages[i - 1]?.plugin;
    const message = before && mismatchOf(before, plugin);
    if (message !== undefined) return { index: i, message };
  }
}

/** Why a plugin's stage cannot follow another's, if so. */
export function mismatchOf(before: AnyPlugin, after: AnyPlugin): string | undefined {
  if (before.gives === after.takes) return undefined;
  return `The stage "${after.name}" cannot follow "${before.name}": expected ${after.takes}, got ` +
    `${before.gives}.`;
}

/** Joins stages whose kinds are known only at run time; `defaults` are for `open`. */
export function joinStages(
  stages: readonly StageSpec[],
  defaults: OpenOptions = {},
): Pipeline {
  const [first, last] = [stages[0], stages.at(-1)];
  if (first === undefined || last === undefined) {
    throw new UserError("A pipeline of no stages does nothing: give it at least one.");
  }
  const mismatch = findMismatch(stages);
  if (mismatch !== undefined) {
    throw new UserError(
      `${mismatch.message} Put a stage between them that turns one into the other.`,
    );
  }
  return Object.freeze({
    stages,
    takes: first.takes,
    gives: last.gives,
    open: (options: OpenOptions = {}): Promise<OpenPipeline> =>
      OpenedPipeline.open(stages, { ...defaults, ...options }),
  });
}
