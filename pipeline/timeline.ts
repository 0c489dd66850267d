/** Prompts by the time of the video at which they begin. */

import type { LaterPrompt, Prompt } from "./data.ts";
import { UserError } from "./errors.ts";

/** A prompt and when it begins. */
export interface TimelineEntry {
  /** Seconds of the video, above 0. */
  readonly at: number;
  /** What to show from there on, in words. */
  readonly prompt: string;
}

/** How a time may be written, for error messages. */
export const timeForms = "seconds such as 2.5s or 2.5, or minutes and seconds such as 1:05";

/** What a time looks like: minutes and seconds, or seconds with or without their unit. */
export const timePattern = /^(?:(\d{1,6}):([0-5]?\d(?:\.\d+)?)|(\d{1,9}(?:\.\d*)?|\.\d+) ?s?)$/;

/**
 * Reads a time of a video: `2.5s`, `2.5` or `1:05`.
 *
 * @returns seconds, 0 or more; undefined if it is no time
 */
export function parseTime(text: string): number | undefined {
  const match = timePattern.exec(text.trim());
  if (!match) return undefined;
  const [, minutes = 0, onClock, plain] = match;
  return Number(minutes) * 60 + Number(onClock ?? plain);
}

/** A time for people: `2.5 s`, `1:05`. Rounded to hundredths. */
export function formatTime(seconds: number): string {
  const rounded = Math.round(seconds * 100) / 100;
  if (rounded < 60) return `${rounded} s`;
  const rest = Math.round((rounded % 60) * 100) / 100;
  return `${Math.floor(rounded / 60)}:${rest < 10 ? "0" : ""}${rest}`;
}

/** Room for the rounding of `seconds · rate`, far below one picture. */
const ROUNDING = 1e-6;

/** The first picture that is shown at a time or later. @param fps pictures a second */
export function pictureAt(seconds: number, fps: number): number {
  return Math.ceil(seconds * fps - ROUNDING);
}

/**
 * A prompt with others that take its place in the course of the video, each from the first chunk on whose pictures
 * begin at its time or later.
 *
 * ```ts ignore
 * const prompt = timeline({ text: "a red ball bounces", seed: 1 }, [
 *   { at: 2.5, prompt: "a blue ball bounces" },
 *   { at: 4, prompt: "a green cube spins" },
 * ], { fps: 16 });
 * for await (const media of open.run(prompt)) console.log(media.path);
 * ```
 *
 * @param later in any order
 * @param options.fps pictures a second of the video, as its encoder is told
 * @throws {UserError} if a time is not above 0, or two are the same
 */
export function timeline(
  first: Prompt,
  later: readonly TimelineEntry[],
  { fps }: { readonly fps: number },
): Prompt {
  const { then: _, ...prompt } = first;
  if (later.length === 0) return prompt;
  const sorted = later.toSorted((a, b) => a.at - b.at);
  sorted.forEach(({ at, prompt }, i) => {
    if (!(at > 0 && Number.isFinite(at))) {
      throw new UserError(
        `The prompt ${
          JSON.stringify(prompt)
        } cannot begin at ${at} s: expected a time above 0; at 0 the first ` +
          "prompt begins.",
      );
    }
    if (at !== sorted[i + 1]?.at) return;
    throw new UserError(
      `Two prompts begin at ${formatTime(at)}: ${JSON.stringify(prompt)} and ${
        JSON.stringify(sorted[i + 1]?.prompt)
      }. Leave out one, or let it begin later.`,
    );
  });
  const then = sorted.map(({ at, prompt: text }): LaterPrompt => ({
    from: Math.max(1, pictureAt(at, fps)),
    text,
  }));
  return { ...prompt, then };
}
