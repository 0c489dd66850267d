import { closestString, levenshteinDistance } from "@std/text";

/** `warpSteps` as configs and flags write it: `warp-steps`. */
export function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The name in `known` that was probably meant, if any is near enough. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closestString(name, [...known]);
  // Two letters swapped are two edits; in a name of three letters two edits are another word.
  const edits = nearest.length <= 3 ? 1 : Math.max(2, Math.floor(nearest.length / 3));
  const near = levenshteinDistance(name, nearest) <= edits;
  if (near) return nearest;
  return known.find((each) => each.startsWith(name) || (each !== "" && name.startsWith(each)));
}

/** ` Did you mean "x"?` and the list of names, for the end of an error's message. */
export function suggestName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const question = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  return known.length === 0 ? question : `${question} Known: ${known.join(", ")}.`;
}
