/**
 * Cleans a prompt as the reference does before it counts tokens (Wan-Video/Wan2.1, wan/modules/tokenizers.py,
 * `clean="whitespace"`): ftfy's repairs that matter for text that was decoded rightly, HTML entities undone
 * twice, white space to single spaces. ftfy's guesses about wrongly decoded text are not made.
 */

import { decodeHTML } from "entities";

const ligatures: Readonly<Record<string, string>> = {
  "ﬀ": "ff",
  "ﬁ": "fi",
  "ﬂ": "fl",
  "ﬃ": "ffi",
  "ﬄ": "ffl",
  "ﬅ": "st",
  "ﬆ": "st",
};

/** The prompt as the tokenizer is to see it. */
export function cleanText(text: string): string {
  const repaired = text
    .replace(/[ﬀ-ﬆ]/g, (letter) => ligatures[letter]!)
    .replace(/[\u2018-\u201b\u02bc]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    // Full-width forms and the ideographic space, as ftfy's fix_character_width.
    .replace(/[\uff01-\uff5e\u3000]/g, (letter) => letter.normalize("NFKC"))
    // Control characters but tab, newline and their like; byte order marks.
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f\ufeff]/g, "")
    .normalize("NFC");
  return decodeHTML(decodeHTML(repaired)).replace(/\s+/g, " ").trim();
}
