/** How far a run has come, from its events; and how to say so in one line. */
import type { OpenEvent, RunEvent } from "../pipeline/events.ts";
import { advanceLoading, loadingWords, type StagesLoading } from "../pipeline/loading.ts";

/** Bytes in the unit that reads best, powers of a thousand. */
export { showBytes as size } from "../pipeline/bytes.ts";

/** What is known of a run before it begins. */
export interface Plan {
  /** The stage whose data are the pictures. */
  readonly stage: string;
  /** Chunks in all; absent for an endless run. */
  readonly chunks?: number | undefined;
  /** Pictures in all; absent for an endless run. */
  readonly frames?: number | undefined;
  /** Pictures a second when played. */
  readonly fps: number;
}

/** What is known of a run while it goes on. Times are in seconds since the run began. */
export interface Progress {
  /** What each stage is at that is still being made. */
  readonly loading?: StagesLoading;
  /** Chunks whose pictures are there. */
  readonly chunks: number;
  readonly frames: number;
  /** When the first pictures were there, and how many they were. */
  readonly first?: { readonly at: number; readonly frames: number };
  /** When the latest pictures were there; 0 before the first. */
  readonly at: number;
  /** The latest step told by a stage. */
  readonly step?: { readonly chunk: number; readonly step: number; readonly steps: number };
  /** The prompt as the model read it, where a stage has told it. */
  readonly prompt?: string;
  /** The prompts that took its place, each with the number of its first picture. */
  readonly later?: readonly { readonly frame: number; readonly prompt: string }[];
}

/** A run of which nothing is known yet. */
export const BEGINNING: Progress = { chunks: 0, frames: 0, at: 0 };

/** The progress after an event. */
export function advance(progress: Progress, event: RunEvent, plan: Plan): Progress {
  switch (event.type) {
    case "step": {
      const { chunk, step, steps } = event;
      return { ...progress, step: { chunk, step, steps } };
    }
    case "prompt": {
      const { first: frame = 0, text: prompt } = event;
      if (frame === 0) return { ...progress, prompt };
      return { ...progress, later: [...progress.later ?? [], { frame, prompt }] };
    }
    case "chunk": {
      if (event.stage !== plan.stage) return progress;
      const { at, frames } = event;
      return {
        ...progress,
        chunks: progress.chunks + 1,
        frames: progress.frames + frames,
        at,
        first: progress.first ?? { at, frames },
      };
    }
    default:
      return progress;
  }
}

/** The progress after an event of the pipeline's opening. */
export function advanceOpening(progress: Progress, event: OpenEvent): Progress {
  return { ...progress, loading: advanceLoading(progress.loading ?? new Map(), event) };
}

/** Seconds that loading may take before it is told what takes so long. */
const LONG = 2;

/** What the stages are at that are still being made, if loading takes long. */
export function loadingParts({ loading }: Progress, elapsed: number): string[] {
  if (elapsed < LONG || loading === undefined) return [];
  return loadingWords(loading);
}

/**
 * Pictures a second in the steady state: those after the first chunk, by the time since it. Before
 * there are two chunks, all by the time since the run began.
 */
export function rate({ first, frames, at }: Progress): number {
  if (first && at > first.at) return (frames - first.frames) / (at - first.at);
  return at > 0 ? frames / at : 0;
}

/**
 * One line about a run, in parts.
 *
 * @param elapsed Seconds since the program started.
 * @param early Seconds from the program's start to the run's; undefined while stages are loaded.
 */
export function progressLine(
  progress: Progress,
  plan: Plan,
  elapsed: number,
  early: number | undefined,
): string[] {
  if (early === undefined) {
    return ["loading", ...loadingParts(progress, elapsed), seconds(elapsed)];
  }
  const { step, first, frames } = progress;
  const parts: string[] = [];
  const chunk = Math.max(progress.chunks, step ? step.chunk + 1 : 0);
  if (chunk > 0) {
    const steps = step ? `, step ${step.step}/${step.steps}` : "";
    parts.push(`chunk ${outOf(chunk, plan.chunks)}${steps}`);
  }
  parts.push(`${outOf(frames, plan.frames)} frames`);
  if (first) {
    const speed = rate(progress);
    parts.push(`${short(speed)} frames/s, ${short(speed / plan.fps)}× real time`);
    parts.push(`first frame after ${seconds(first.at + early)}`);
  }
  parts.push(seconds(elapsed));
  return parts;
}

/** The parts joined, in at most `columns` characters: the least telling parts go first. */
export function squeeze(parts: readonly string[], columns: number): string {
  let kept = [...parts];
  while (kept.length > 1 && join(kept).length > columns) {
    // The time stays at the end; what is before it goes, from the right.
    kept = kept.length > 2 ? kept.toSpliced(-2, 1) : kept.slice(0, 1);
  }
  return join(kept).slice(0, Math.max(0, columns));
}

function join(parts: readonly string[]): string {
  return parts.join(" · ");
}

function outOf(count: number, total: number | undefined): string {
  return total === undefined ? `${count}` : `${count}/${total}`;
}

/** Seconds to a hundredth, or to a tenth from ten on, with the unit. */
export function seconds(value: number): string {
  return value < 10
    ? `${value.toFixed(2)} s`
    : value < 60
    ? `${value.toFixed(1)} s`
    : `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
}

/** A number to three digits or so: 131, 42.2, 0.84. */
export function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Longest foreign text that is shown, in characters. */
const LONGEST = 300;

/**
 * A text from elsewhere, such as a language model's answer, fit to be shown in a terminal: one line,
 * no control characters, which could move the cursor or worse, and not endless.
 */
export function oneLine(text: string): string {
  const line = text.slice(0, 2 * LONGEST).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1)}…`;
}
