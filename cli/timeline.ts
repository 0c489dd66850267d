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
 * Joins prompts and times: the first prompt begins the video, and behind each `--at` there is one more.
 *
 * @param words as they were written, to see what stands behind what
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
  const stretches = splitAtTimes(words);
  if (times.length > 0 && (prompt === undefined || !stretches[0]!.includes(prompt))) {
    throw mistake(
      `--at stands before the first prompt: begin with what the video begins with: ${EXAMPLE}.`,
    );
  }
  for (const [i, time] of times.entries()) {
    const text = others[i];
    if (text !== undefined && stretches[i + 1]?.includes(text)) continue;
    if (text !== undefined && stretches[i]!.includes(text)) throw withoutTime(text);
    throw mistake(`--at ${time} has no prompt: write it behind the time, as in ${EXAMPLE}.`);
  }
  const surplus = others[times.length];
  if (surplus !== undefined) throw withoutTime(surplus);
  return { prompt, later: times.map((time, i) => entryOf(time, others[i]!)) };
}

function withoutTime(prompt: string): Error {
  return mistake(
    `The prompt ${
      JSON.stringify(prompt)
    } has no time: write --at and the time before it, as in ${EXAMPLE}.`,
  );
}

/** The words before the first `--at` and behind the time of each. */
function splitAtTimes(words: readonly string[]): string[][] {
  const stretches: string[][] = [[]];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--") {
      stretches.at(-1)!.push(...words.slice(i + 1));
      break;
    }
    if (word === "--at") i++;
    if (word === "--at" || word.startsWith("--at=")) stretches.push([]);
    else stretches.at(-1)!.push(word);
  }
  return stretches;
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
