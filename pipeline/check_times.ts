/** Whether the prompts of a timeline can be followed in a pipeline's video. */

import { findDiffusion, picturesOf } from "./pictures.ts";
import type { StageSpec } from "./plugin.ts";
import { formatTime, pictureAt, type TimelineEntry } from "./timeline.ts";

/** A video whose prompt is to change. */
export interface TimedPipeline {
  readonly name: string;
  readonly stages: readonly StageSpec[];
  /** Pictures a second of the video. */
  readonly fps: number;
  /** What makes the video longer, for the message. */
  readonly longer: string;
}

/** Why a timeline cannot be followed. */
export interface TimeProblem {
  /** Seconds of the entry that cannot be; absent where none could. */
  readonly at?: number;
  /** What follows the name of the timeline, or of the entry, and a colon. */
  readonly reason: string;
}

/** Why no chunk of the video can begin to follow some prompt of a timeline, if so. */
export function refuseTimes(
  later: readonly TimelineEntry[],
  { name, stages, fps, longer }: TimedPipeline,
): TimeProblem | undefined {
  const latest = later.toSorted((a, b) => b.at - a.at)[0];
  if (!latest) return undefined;
  const found = findDiffusion(stages);
  if (!found) {
    return {
      reason:
        `no stage of the pipeline "${name}" makes latent frames by the chunk, so that its prompt ` +
        "cannot change in the course of the video.",
    };
  }
  if (found.whole) {
    return {
      reason:
        `the pipeline "${name}" makes the whole video at once, so that its prompt cannot change in ` +
        "the course of it. Choose a pipeline that makes it chunk by chunk.",
    };
  }
  if (found.latents === 0) return undefined;
  const { at } = latest;
  const pictures = picturesOf(found.latents);
  const first = pictureAt(at, fps);
  if (first >= pictures) {
    return {
      at,
      reason:
        `the video is ${formatTime(pictures / fps)} long, ${pictures} frames at ${fps} a second. ` +
        `Choose an earlier time, or a longer video (${longer}).`,
    };
  }
  const last = picturesOf(found.latents - found.chunk);
  if (first <= last) return undefined;
  if (last <= 0) {
    return {
      at,
      reason:
        `a prompt is followed from the beginning of a chunk on, and the video is one chunk of ${pictures} frames. ` +
        `Choose a longer video (${longer}).`,
    };
  }
  // Rounded down, so that the time that is told will do.
  const latestTime = formatTime(Math.floor(100 * last / fps) / 100);
  return {
    at,
    reason:
      "a prompt is followed from the beginning of a chunk on, and the last chunk of the video begins at " +
      `${latestTime}. Choose that or an earlier time, or a longer video (${longer}).`,
  };
}
