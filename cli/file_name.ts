/** Where a video goes that was given no name. */

/** Longest part of a prompt that goes into a file name, in characters. */
const LONGEST = 48;

/**
 * A prompt as a part of a file name: small letters, digits and hyphens, whole words, at most 48
 * characters; `video` where nothing is left. Letters of every script stay, accents go.
 */
export function slug(prompt: string): string {
  const words = prompt.slice(0, 1000).normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  let name = "";
  for (const word of words) {
    const longer = name ? `${name}-${word}` : [...word].slice(0, LONGEST).join("");
    if ([...longer].length > LONGEST) break;
    name = longer;
  }
  return name || "video";
}

/**
 * A name made of prompt and seed that no file has yet: `a-red-ball-1.mp4`, then `a-red-ball-1-2.mp4`.
 *
 * @param exists Whether a file of that name is there.
 */
export function freeName(
  prompt: string,
  seed: number,
  extension: string,
  exists: (name: string) => boolean,
): string {
  const base = `${slug(prompt)}-${seed}`;
  for (let copy = 1;; copy++) {
    const name = copy === 1 ? `${base}.${extension}` : `${base}-${copy}.${extension}`;
    if (!exists(name)) return name;
  }
}
