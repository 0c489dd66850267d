/** What is told of a run when it is over. */
import { seconds, short, size } from "./progress.ts";

/** What one stage took, in seconds. */
export interface StageReport {
  readonly stage: string;
  /** Data it gave. */
  readonly chunks: number;
  /** Its own work, waiting not counted. */
  readonly seconds: number;
  /** Making it ready. */
  readonly loadSeconds: number;
}

/** A prompt that was followed. */
export interface FollowedPrompt {
  /** Number of the first picture made from it, from 0. */
  readonly frame: number;
  /** When that is shown, in seconds of the video. */
  readonly seconds: number;
  /** As the model read it. */
  readonly prompt: string;
}

/** A run in figures: what `--json` prints. Seconds count from the start of the program. */
export interface Report {
  /** The file. */
  readonly path: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** Pictures in it. */
  readonly frames: number;
  /** Pictures a second when played. */
  readonly fps: number;
  readonly seed: number;
  readonly prompt: string;
  /** The prompt as the model read it. */
  readonly extendedPrompt: string;
  /** That prompt and those that took its place, each with the picture from which on it was followed. */
  readonly prompts: readonly FollowedPrompt[];
  /** The config: its name, or the file. */
  readonly config: string;
  readonly device: string;
  /** Whether the run was ended before its time, by Ctrl-C. */
  readonly stopped: boolean;
  /** From the start of the program to the finished file. */
  readonly seconds: number;
  /** Of these, until every stage was loaded. */
  readonly loadSeconds: number;
  /** From the start of the program to the first pictures; null if there were none. */
  readonly firstFrameSeconds: number | null;
  /** Pictures by the seconds of the run, loading not counted. */
  readonly framesPerSecond: number;
  /** Pictures a second once the first chunk is there. */
  readonly steadyFramesPerSecond: number;
  readonly stages: readonly StageReport[];
}

/** The report in a few lines for people. */
export function summary(report: Report): string[] {
  const { frames, fps, framesPerSecond, stages, stopped } = report;
  const first = report.firstFrameSeconds;
  const speed = `${short(framesPerSecond)} frames/s, ${short(framesPerSecond / fps)}× real time`;
  const width = Math.max(...stages.map(({ stage }) => stage.length));
  return [
    `${report.path}${stopped ? " (stopped early; what was finished is in it)" : ""}`,
    `  ${frames} frames, ${seconds(frames / fps)} at ${fps} frames/s, ${size(report.bytes)}, ` +
    `seed ${report.seed}`,
    `  made in ${seconds(report.seconds)}: ${speed}` +
    (first === null ? "" : `; first frame after ${seconds(first)}`),
    ...stages.map(({ stage, seconds: own, loadSeconds }) =>
      `  ${stage.padEnd(width)}  ${seconds(own)} (loaded in ${seconds(loadSeconds)})`
    ),
  ];
}
