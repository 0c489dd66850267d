/** The timeline of a config: prompts that take the place of a run's own in the course of the video. */
import { type ConfigDocument, describe } from "./_document.ts";
import { isRecord } from "./_options.ts";
import { checkKeys, checkText } from "./_structure.ts";
import { formatTime, parseTime, timeForms, type TimelineEntry } from "./timeline.ts";

/** Keys of an entry. */
const KEYS = ["at", "prompt"];

/** Reads the timeline, earliest first, and notes what is wrong with it; undefined where there is none. */
export function readTimeline(document: ConfigDocument): TimelineEntry[] | undefined {
  const { timeline } = document.value;
  if (timeline === undefined) return undefined;
  if (!Array.isArray(timeline)) {
    document.report(
      ["timeline"],
      `expected a list of times and prompts such as [{ at: 2.5s, prompt: "…" }], got ${
        describe(timeline)
      }.`,
    );
    return undefined;
  }
  const entries: TimelineEntry[] = [];
  for (const [i, entry] of timeline.entries()) {
    const path = ["timeline", i];
    if (!isRecord(entry)) {
      document.report(path, `expected a mapping with at and prompt, got ${describe(entry)}.`);
      continue;
    }
    checkKeys(document, path, entry, KEYS);
    checkText(document, path, "prompt", entry, KEYS);
    if (typeof entry.prompt === "string" && /^\s+$/.test(entry.prompt)) {
      document.report([...path, "prompt"], "expected what to show from there on, got white space.");
    }
    const at = readTime(document, path, entry.at);
    if (at === undefined || typeof entry.prompt !== "string") continue;
    if (entries.some((other) => other.at === at)) {
      document.report(
        [...path, "at"],
        `another prompt begins at ${formatTime(at)} too: leave out one.`,
      );
    }
    entries.push({ at, prompt: entry.prompt });
  }
  return entries.sort((a, b) => a.at - b.at);
}

function readTime(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  value: unknown,
): number | undefined {
  const time = typeof value === "string" ? parseTime(value) : value;
  if (typeof time === "number" && Number.isFinite(time) && time > 0) return time;
  if (value === undefined) {
    document.report(path, `the key "at" is missing: expected ${timeForms}.`);
  } else {
    const got = typeof value === "string" || typeof value === "number"
      ? JSON.stringify(value)
      : describe(value);
    document.report([...path, "at"], `expected a time above 0, ${timeForms}; got ${got}.`);
  }
}
