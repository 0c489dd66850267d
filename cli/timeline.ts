/** `--at`: prompts that begin in the course of the video. */
import { refuseTimes } from "../pipeline/check_times.ts";
import type { Config } from "../pipeline/config.ts";
import { formatTime, parseTime, timeForms, type TimelineEntry } from "../pipeline/timeline.ts";
import { mistake } from "./failure.ts";

/** What the words of `generate` say is to be shown. */
export interface Prompts {
  /** From the beginning on; undefined where there is none. */
  readonly prompt: string | undefined;
  readonly later: readonly TimelineEntry[];
}

const EXAMPLE = '"a red ball bounces" --at 2.5s "a blue ball bounces"';

/**
 * Joins prompts and times: the first prompt begins the video, and each `--at` belongs to the next of the others.
 *
 * @param words as they were written, to see which came first
 */
export function readTimeline(
  [prompt, ...others]: readonly string[],
  times: readonly string[],
  words: readonly string[],
): Prompts {
  if (others.length > 0 && times.length === 0) {
    throw mistake(
      `More words follow the prompt ${
        JSON.stringify(prompt)
      }. Put quotes around a prompt of several words: ` +
        `${
          JSON.stringify([prompt, ...others].join(" "))
        }; or say with --at when the next prompt begins: ${EXAMPLE}.`,
    );
  }
  const begun = words.findIndex((word) => word === "--at" || word.startsWith("--at="));
  if (times.length > 0 && (prompt === undefined || begun < words.indexOf(prompt))) {
    throw mistake(
      `--at stands before the first prompt: begin with what the video begins with: ${EXAMPLE}.`,
    );
  }
  if (others.length < times.length) {
    throw mistake(
      `--at ${times[others.length]} has no prompt: write it behind the time, as in ${EXAMPLE}.`,
    );
  }
  if (others.length > times.length) {
    throw mistake(
      `The prompt ${
        JSON.stringify(others[times.length])
      } has no time: write --at and the time before it, as in ` +
        `${EXAMPLE}.`,
    );
  }
  return { prompt, later: times.map((time, i) => entryOf(time, others[i]!)) };
}

function entryOf(time: string, prompt: string): TimelineEntry {
  const at = parseTime(time);
  if (at === undefined) {
    const why = /^-/.test(time) ? "a time of the video is not negative" : "that is no time";
    throw mistake(`--at ${time}: ${why}; expected ${timeForms}.`);
  }
  if (at === 0) {
    throw mistake(`--at ${time}: there the first prompt begins; expected a later time.`);
  }
  if (prompt.trim() === "") {
    throw mistake(`--at ${time}: the prompt is empty: say what to show from there on.`);
  }
  return { at, prompt };
}

/**
 * Refuses a time at which no chunk of the video can begin to follow a prompt.
 *
 * @param source what the times were given by, for the message
 */
export function checkTimes(
  { name, stages }: Config,
  later: readonly TimelineEntry[],
  fps: number,
  source: "--at" | "timeline",
): void {
  const specs = stages.map(({ spec }) => spec);
  const problem = refuseTimes(later, { name, stages: specs, fps, longer: "--frames" });
  if (!problem) return;
  const { at, reason } = problem;
  throw mistake(`${source}${at === undefined ? "" : ` ${formatTime(at)}`}: ${reason}`);
}
