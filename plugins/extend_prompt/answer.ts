/** Longest description that is passed on, in characters: more than any text encoder reads. */
export const maxAnswerLength = 2000;

/**
 * The description in a language model's answer: without reasoning, code fences, quotation marks
 * around it, control characters and line ends; cut at a word where it is too long. Empty where the
 * answer holds none.
 */
export function cleanAnswer(answer: string): string {
  const text = withoutReasoning(answer)
    // deno-lint-ignore no-control-regex -- they have no place in a prompt
    .replace(/[\0-\x1f\x7f-\x9f]+|\p{Surrogate}/gu, " ")
    .replace(/```\w*/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return cutAtWord(withoutQuotes(text), maxAnswerLength);
}

/** Reasoning stands in `<think>` tags; some servers swallow the first tag, a cut answer the last. */
function withoutReasoning(text: string): string {
  const closed = text.replace(/<(think|thinking|reasoning)>.*?<\/\1>/gis, " ");
  return closed
    .replace(/^.*<\/(?:think|thinking|reasoning)>/is, " ")
    .replace(/<(?:think|thinking|reasoning)>.*$/is, " ");
}

const quotes: readonly (readonly [open: string, close: string])[] = [
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["“", "”"],
  ["„", "“"],
  ["«", "»"],
  ["「", "」"],
  ["**", "**"],
];

function withoutQuotes(text: string): string {
  for (const [open, close] of quotes) {
    const long = text.length >= open.length + close.length;
    if (!long || !text.startsWith(open) || !text.endsWith(close)) continue;
    const inner = text.slice(open.length, -close.length);
    // "A" and "B" are two quotations, not one around all.
    if (inner.includes(open) || inner.includes(close)) continue;
    return withoutQuotes(inner.trim());
  }
  return text;
}

function cutAtWord(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length + 1);
  const space = cut.lastIndexOf(" ");
  // Scripts without spaces are cut between characters, never inside a surrogate pair.
  return (space > length / 2
    ? cut.slice(0, space)
    : text.slice(0, length).replace(/\p{Surrogate}$/u, ""))
    .replace(/[\s,;:–-]+$/, "");
}
