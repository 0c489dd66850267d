/** Whether a file holds the parameters that a network wants. */

import { closestString } from "@std/text";
import { type DType, formatShape, sameShape, type Shape } from "../tensor/mod.ts";
import { type WeightEntry, type WeightFile, WeightsError } from "./weight_file.ts";

/** A parameter as a network declares it. */
export interface ExpectedParameter {
  /** As the checkpoint calls it. */
  readonly name: string;
  /** Exactly that which it must have. */
  readonly shape: Shape;
  /** The type it must be stored in; any of the usual floating-point ones if left out. */
  readonly dtype?: DType;
}

/** How to compare. */
export interface MatchOptions {
  /**
   * What the file's names have in front of the network's; names without it are not looked at.
   * Default "".
   */
  readonly prefix?: string;
  /** Whether the file may hold tensors that the network does not want. Default false. */
  readonly allowSurplus?: boolean;
}

const allowed: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float32"]);

/** How many names of each fault a message shows. */
const shown = 4;

/**
 * Finds every expected parameter in a file and returns the entries by the network's names. Throws
 * one `WeightsError` that tells all the missing, surplus, mis-shaped and mis-typed ones: the first
 * few of each by name, with the nearest name in the file for a missing one, and how many there are.
 */
export function matchParameters(
  file: WeightFile,
  expected: readonly ExpectedParameter[],
  options: MatchOptions = {},
): Map<string, WeightEntry> {
  const { prefix = "", allowSurplus = false } = options;
  const found = new Map<string, WeightEntry>();
  const missing: string[] = [];
  const shapes: string[] = [];
  const types: string[] = [];
  const wanted = new Set<string>();
  for (const { name, shape, dtype } of expected) {
    wanted.add(prefix + name);
    const entry = file.tensors.get(prefix + name);
    if (entry === undefined) {
      missing.push(prefix + name);
      continue;
    }
    found.set(name, entry);
    if (!sameShape(entry.shape, shape)) {
      shapes.push(
        `${prefix}${name} (expected ${formatShape(shape)}, got ${formatShape(entry.shape)})`,
      );
    }
    if (dtype !== undefined ? entry.dtype !== dtype : !allowed.has(entry.dtype)) {
      types.push(`${prefix}${name} (${entry.dtype})`);
    }
  }
  const surplus = [...file.tensors.keys()].filter((name) =>
    name.startsWith(prefix) && !wanted.has(name)
  );
  const problems = [
    listed("missing", missing, (name) => withNearest(name, surplus)),
    listed("of another shape", shapes),
    listed(`of a type other than ${[...allowed].join(", ")}`, types),
    allowSurplus && missing.length === 0
      ? undefined
      : listed("that the network does not know", surplus),
  ].filter((problem) => problem !== undefined);
  const fatal = missing.length + shapes.length + types.length + (allowSurplus ? 0 : surplus.length);
  if (fatal > 0) {
    throw new WeightsError(
      file.path,
      `they do not fit the network's ${expected.length} parameters:\n  ${problems.join("\n  ")}`,
    );
  }
  return found;
}

function listed(
  what: string,
  items: readonly string[],
  describe: (item: string) => string = (item) => item,
): string | undefined {
  if (items.length === 0) return undefined;
  const names = items.slice(0, shown).map(describe).join(", ");
  return `${items.length} ${what}: ${names}${items.length > shown ? ", …" : ""}`;
}

/** The nearest is searched among tensors that nobody wanted, for one of those may be meant. */
function withNearest(name: string, surplus: readonly string[]): string {
  if (surplus.length === 0) return name;
  const sample = surplus.length > 5000 ? surplus.slice(0, 5000) : surplus;
  return `${name} (nearest in the file: ${closestString(name, sample, { caseSensitive: true })})`;
}
