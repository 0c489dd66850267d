import type { Prompt } from "../pipeline/data.ts";
import { UserError } from "../pipeline/errors.ts";

/** Longest text of a prompt, in UTF-16 units: far above what any text encoder reads. */
export const maxPromptLength = 20_000;

/**
 * Refuses a prompt that no stage can use. Line ends and tabs are fine, as are all other characters
 * that are not control characters; nothing is removed silently.
 *
 * @throws {UserError} if a text is empty, too long or holds a control character, the seed or the strength is none, or what
 * follows is not in order
 */
export function checkPrompt({ text, negative, seed, strength, then = [] }: Prompt): void {
  if (typeof text !== "string" || text.trim() === "") {
    throw new UserError(
      'The prompt is empty: expected a description of the video. Write one, such as "a red ball bounces on a green floor".',
    );
  }
  checkText("prompt", text);
  if (negative !== undefined) checkText("negative prompt", negative);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new UserError(
      `The seed cannot be ${seed}: expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`,
    );
  }
  if (strength !== undefined && !(strength > 0 && strength <= 1)) {
    throw new UserError(
      `The strength cannot be ${strength}: expected above 0 and at most 1, such as 0.6.`,
    );
  }
  let before = 1;
  for (const { from, text } of then) {
    if (!Number.isSafeInteger(from) || from < before) {
      throw new UserError(
        `A prompt cannot begin with picture ${from}: expected a whole number from ${before} on, earliest first. ` +
          "timeline() makes it of seconds.",
      );
    }
    before = from;
    if (typeof text !== "string" || text.trim() === "") {
      throw new UserError(
        `The prompt that begins with picture ${from} is empty: expected a description of what to show from there on.`,
      );
    }
    checkText("prompt", text);
  }
}

function checkText(what: string, text: string): void {
  if (text.length > maxPromptLength) {
    throw new UserError(
      `The ${what} is too long: expected at most ${maxPromptLength} characters, got ${text.length}. Shorten it.`,
    );
  }
  // deno-lint-ignore no-control-regex -- these are what is looked for
  const control = /[\0-\x08\x0e-\x1f\x7f-\x9f]|\p{Surrogate}/u.exec(text);
  if (control === null) return;
  const code = control[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  const name = code === "0000" ? "a NUL character" : `a control character (U+${code})`;
  throw new UserError(
    `The ${what} holds ${name} at position ${control.index + 1}: expected text. Remove it.`,
  );
}
