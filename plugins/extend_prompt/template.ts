import {
  backgroundColours,
  backgroundPhrases,
  type Colour,
  colourSynonyms,
  colourWords,
  missingColours,
  type Motion,
  motionPhrases,
  motions,
  motionSynonyms,
  movingVerbs,
  paceSynonyms,
  scenes,
  type Shape,
  shapeSynonyms,
  shapeWords,
  sizeSynonyms,
  surfaces,
  usualColour,
} from "./vocabulary.ts";

/** A prompt in the embedded model's wording, and what got lost on the way. */
export interface ModelWording {
  readonly text: string;
  readonly warnings: readonly string[];
}

/**
 * Puts free words into the embedded model's wording: "bouncy red ball, green grass" becomes "a red
 * ball bounces on a green floor". The same text gives the same caption; a caption that is in the
 * model's wording already is only cleaned of capitals and surplus space, so applying this twice
 * changes nothing. What is missing is filled in: the shape's usual colour, hovering, a grey
 * background. A text that names no shape comes back as it was, with a warning.
 */
export function toModelWording(text: string): ModelWording {
  const clean = text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").replace(/ ,/g, ",")
    .trim();
  const sentence = clean.replace(/[.!]$/, "");
  if (modelCaption.test(sentence)) return { text: sentence, warnings: [] };

  const warnings: string[] = [];
  const words = new Words(clean);
  const background = takeBackground(words, warnings);
  const pace = words.take(paceSynonyms)?.[1];
  const motion = words.take(motionSynonyms)?.[1] ??
    words.take([[movingVerbs, "right" as const]])?.[1];
  const found = takeShape(words, warnings);
  if (found === undefined) return { text, warnings: [unknown(text)] };
  const { shape, at, implied } = found;
  const size = words.take(sizeSynonyms)?.[1];
  const colour = takeColour(words, at, warnings) ?? implied ?? usualColour[shape];
  return {
    text: compose(shape, colour, size, motion ?? "hover", pace, background),
    warnings,
  };
}

/** A whole caption as the model was trained on. */
const modelCaption = (() => {
  const any = (lists: Readonly<Record<string, readonly string[]>>) =>
    Object.values(lists).flat().join("|");
  const subject = `(?:an?|one|the) (?:(?:big|small) )?(?:${any(colourWords)}) (?:${
    any(shapeWords)
  })`;
  const action = `(?:${motionPhrases})(?: (?:slowly|quickly))?`;
  const place = `(?:${backgroundPhrases})(?:,? (?:${backgroundPhrases}))?`;
  return new RegExp(`^(?:${subject} ${action},? ${place}|${place},? ${subject} ${action})$`);
})();

type Entry = readonly [pattern: string, ...rest: readonly unknown[]];

interface Found<E extends Entry> {
  readonly entry: E;
  readonly start: number;
  readonly end: number;
}

/** A text of which phrases are taken; what is taken leaves a gap that no phrase spans. */
class Words {
  #text: string;

  constructor(text: string) {
    // Joined by single spaces, with gaps where a phrase cannot go on.
    this.#text = text.replace(/[^\p{L}\p{N}:'\- ]+/gu, " ; ").replace(/ +/g, " ").trim();
  }

  /** The entry that stands first, the longest of those that begin there. */
  take<E extends Entry>(entries: readonly E[]): E | undefined {
    const found = this.find(entries)[0];
    if (found !== undefined) this.remove(found);
    return found?.entry;
  }

  /** All that occur, in the order of the text; of those that overlap only the first, longest. */
  find<E extends Entry>(entries: readonly E[]): Found<E>[] {
    const all = entries.flatMap((entry) =>
      [...this.#text.matchAll(new RegExp(`(?<![\\w-])(?:${entry[0]})(?![\\w])`, "g"))]
        .map((match) => ({ entry, start: match.index, end: match.index + match[0].length }))
    );
    all.sort((a, b) => a.start - b.start || b.end - a.end);
    let end = 0;
    return all.filter((each) => each.start >= end && (end = each.end) > 0);
  }

  slice({ start, end }: { readonly start: number; readonly end: number }): string {
    return this.#text.slice(start, end);
  }

  remove({ start, end }: { readonly start: number; readonly end: number }): void {
    // As long as before, so that places found earlier stay true.
    this.#text = this.#text.slice(0, start) + ";".repeat(end - start) + this.#text.slice(end);
  }
}

const anyBackgroundColour = backgroundColours.map(([pattern]) => pattern).join("|");
const anyShape = shapeSynonyms.map(([pattern]) => pattern).join("|");

/** Surfaces with the words of colour around them, and scenes with a colour before them. */
const backgroundEntries = [
  ...surfaces.map(([pattern, kind, colour]) =>
    [
      `(?:(?:${anyBackgroundColour})(?: (?!(?:${anyShape})\\b)[a-z]+)? )?${pattern}` +
      `(?:(?: is| of|:) (?:${anyBackgroundColour}))?`,
      { kind, colour },
    ] as const
  ),
  // "… on black": a colour that nothing follows.
  [
    `(?:on|against|over) (?:plain )?(?:${anyBackgroundColour})(?= ;|$)`,
    { kind: "background", colour: undefined },
  ] as const,
  ...scenes.map(([pattern, scene]) =>
    [`(?:(?:${anyBackgroundColour}) )?${pattern}`, { scene }] as const
  ),
];

/** The background as a phrase: the first one named, since the model knows one a caption. */
function takeBackground(words: Words, warnings: string[]): Background | undefined {
  const found = words.find<readonly [string, Place]>(backgroundEntries);
  const places = found.map((each): Background => {
    const place = each.entry[1];
    if ("scene" in place) return { phrase: place.scene };
    const text = words.slice(each);
    const named = backgroundColours.find(([pattern]) =>
      new RegExp(`(?<![\\w-])(?:${pattern})(?![\\w])`).test(text)
    )?.[1];
    return { phrase: surfacePhrase(place.kind, named ?? place.colour ?? "grey") };
  });
  found.forEach((each) => words.remove(each));
  const [first, ...others] = places;
  const lost = others.find(({ phrase }) => phrase !== first!.phrase);
  if (lost !== undefined) {
    warnings.push(
      `The model knows one background a caption: it gets "${
        first!.phrase
      }", and "${lost.phrase}" is left out.`,
    );
  }
  return first;
}

type Place =
  | { readonly kind: "floor" | "wall" | "background"; readonly colour: string | undefined }
  | { readonly scene: string };

interface Background {
  readonly phrase: string;
}

function surfacePhrase(kind: "floor" | "wall" | "background", colour: string): string {
  if (kind === "floor") return `on a ${colour} floor`;
  if (kind === "wall") return `in front of a ${colour} wall`;
  return `${colour} background`;
}

/** The first shape; of shapes side by side the last ("diamond ring"), except before "shaped". */
function takeShape(
  words: Words,
  warnings: string[],
): { shape: Shape; at: number; implied: Colour | undefined } | undefined {
  const shaped = words.find(
    shapeSynonyms.map(([pattern, ...rest]) => [`(?:${pattern})[- ]shaped`, ...rest] as const),
  )[0];
  const all = words.find(shapeSynonyms);
  let i = 0;
  while (i + 1 < all.length && all[i + 1]!.start - all[i]!.end === 1) i++;
  const chosen = shaped ?? all[i];
  if (chosen === undefined) return undefined;
  const [, shape, implied] = chosen.entry;
  const other = all.slice(i + 1).find(({ entry }) => entry[1] !== shape);
  if (shaped === undefined && other !== undefined) {
    warnings.push(
      `The model draws one thing a video: the ${shape} stays, the ${other.entry[1]} is left out.`,
    );
  }
  return { shape: shape!, at: chosen.start, implied };
}

/** The colour nearest before the shape, else the first after it. */
function takeColour(words: Words, shapeAt: number, warnings: string[]): Colour | undefined {
  const nearest = <E extends Entry>(entries: readonly E[]) => {
    const all = words.find(entries);
    return all.findLast(({ start }) => start <= shapeAt) ?? all[0];
  };
  const known = nearest(colourSynonyms);
  if (known !== undefined) return known.entry[1];
  const missing = nearest(missingColours);
  if (missing === undefined) return undefined;
  const colour = missing.entry[1];
  warnings.push(`The model never saw a ${words.slice(missing)} shape: it is drawn ${colour}.`);
  return colour;
}

function compose(
  shape: Shape,
  colour: Colour,
  size: string | undefined,
  motion: Motion,
  pace: string | undefined,
  background: Background | undefined,
): string {
  const onFloor = motion === "bounce" || motion === "left" || motion === "right";
  const kind = onFloor ? "floor" : "background";
  const phrase = background?.phrase ?? surfacePhrase(kind, "grey");
  const description = size === undefined ? colour : `${size} ${colour}`;
  const article = /^[aeiou]/.test(description) ? "an" : "a";
  const action = pace === undefined ? motions[motion] : `${motions[motion]} ${pace}`;
  const comma = phrase.endsWith("background") ? "," : "";
  return `${article} ${description} ${shape} ${action}${comma} ${phrase}`;
}

function unknown(text: string): string {
  const shapes = Object.keys(shapeWords).join(", ");
  const short = text.trim().length > 60 ? `${text.trim().slice(0, 59)}…` : text.trim();
  return `The embedded model draws one coloured shape, and "${short}" names none, so it may show anything. ` +
    `It knows ${shapes}; that one bounces, slides to the left or right, rises, falls, orbits, grows, ` +
    `shrinks, spins, swings or hovers; on a floor, before a wall, at sunset, at night, over the sea, ` +
    `in the snow, in the rain or on a sunny day. Try "a red ball bounces on a green floor".`;
}
