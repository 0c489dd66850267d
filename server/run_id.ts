/** Names of runs: made here, of the time and of chance, and never of what a user wrote. */

const PATTERN = /^[0-9a-z]{9}-[0-9a-z]{8}$/;

let newest = 0;

/** A new id; later ones sort after it. */
export function drawRunId(): string {
  newest = Math.max(Date.now(), newest + 1);
  const time = newest.toString(36).padStart(9, "0");
  const digits = crypto.getRandomValues(new Uint8Array(8));
  return `${time}-${[...digits].map((digit) => (digit % 36).toString(36)).join("")}`;
}

/** Whether `text` has the form of an id. */
export function isRunId(text: string): boolean {
  return PATTERN.test(text);
}
