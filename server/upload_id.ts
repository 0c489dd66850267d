/** Names of uploads: made here, of chance alone, so that nobody guesses another's, and unlike those of runs. */

/** 24 letters and digits are 124 bits. */
const PATTERN = /^u-[0-9a-z]{24}$/;

/** Bytes below this are each of 36 equally often. */
const FAIR = 252;

/** A new id. */
export function drawUploadId(): string {
  let letters = "";
  while (letters.length < 24) {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    for (const byte of bytes) if (byte < FAIR) letters += (byte % 36).toString(36);
  }
  return `u-${letters.slice(0, 24)}`;
}

/** Whether `text` has the form of an id. */
export function isUploadId(text: string): boolean {
  return PATTERN.test(text);
}
