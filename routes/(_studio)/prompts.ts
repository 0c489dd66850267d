/** Prompts that the embedded model knows well. Its card says what it draws, and what it does not. */

/** Each is followed as it stands. */
export const SUGGESTIONS: readonly string[] = [
  "a red ball bounces on a green floor",
  "a golden star rises over the sea",
  "a purple square slides to the left over a white floor",
  "a white diamond hovers at sunset",
  "a blue triangle grows larger, white background",
  "an orange ball falls in front of a grey wall",
  "a pink heart swings in the rain",
];

const COLOURS = [
  ...["a red", "an orange", "a yellow", "a green", "a blue", "a purple", "a pink", "a white"],
  ...["a cyan", "a brown"],
];
const SHAPES = ["ball", "square", "heart", "diamond"];
const MOTIONS = [
  ...["slides to the left", "slides to the right", "rises", "falls", "moves in a circle"],
  ...["grows", "shrinks", "spins", "hovers"],
];
const PLACES = [
  ...["on a green floor", "on a black floor", "on a white floor", "in front of a grey wall"],
  ...["in front of a blue wall", "on a sunny day", "at sunset", "at night", "over the sea"],
  "in the snow",
];

/**
 * A prompt of the model's strong words.
 *
 * @param random Gives 0 … 1, 1 excluded.
 */
export function composePrompt(random: () => number = Math.random): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)]!;
  return `${pick(COLOURS)} ${pick(SHAPES)} ${pick(MOTIONS)} ${pick(PLACES)}`;
}

/** Whether these are prompts for a pipeline: for one that draws with the embedded model. */
export function knowsSuggestions(
  stages: readonly {
    readonly gives: string;
    readonly options: Readonly<Record<string, unknown>>;
  }[],
): boolean {
  return stages.some(({ gives, options }) => gives === "latents" && options.network === "embedded");
}
