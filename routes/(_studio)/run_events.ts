/** A run in the browser, kept up to date by its events. */
import type { ChunkView, RunServerEvent, RunState, RunView } from "../../server/wire.ts";

/** The step that a chunk is at. */
export interface StepProgress {
  readonly chunk: number;
  /** From 1. */
  readonly step: number;
  readonly steps: number;
}

/** A run and what is going on in it. */
export interface WatchedRun {
  readonly run: RunView;
  readonly step?: StepProgress;
  /** Told by its stages, the newest last. */
  readonly warnings: readonly string[];
}

/** Chunks kept, as many as the server keeps. */
const CHUNKS = 256;

/** Warnings kept. */
const WARNINGS = 5;

/** Whether nothing more will happen to a run. */
export function isOver(state: RunState): boolean {
  return state === "finished" || state === "cancelled" || state === "failed";
}

/** A run without its chunks: lists of many runs would be heavy with them. */
export function lightRun(run: RunView): RunView {
  return { ...run, chunks: [] };
}

/** What a run is after an event. */
export function applyEvent(watched: WatchedRun, event: RunServerEvent): WatchedRun {
  const { run, warnings } = watched;
  switch (event.type) {
    case "state":
      return { ...watched, run: event.run };
    case "done":
      return { run: event.run, warnings };
    case "step": {
      const { chunk, step, steps } = event;
      return { ...watched, step: { chunk, step, steps } };
    }
    case "chunk":
      return { ...watched, run: withChunk(run, event) };
    case "prompt":
      return withPrompt(watched, event.text);
    case "warning": {
      if (warnings.includes(event.message)) return watched;
      return { ...watched, warnings: [...warnings, event.message].slice(-WARNINGS) };
    }
    case "media": {
      const { frames, firstFrameSeconds, framesPerSecond, realTimeFactor } = event;
      return {
        ...watched,
        run: {
          ...run,
          state: isOver(run.state) ? run.state : "streaming",
          frames,
          firstFrameSeconds,
          ...(framesPerSecond !== undefined && { framesPerSecond }),
          ...(realTimeFactor !== undefined && { realTimeFactor }),
        },
      };
    }
  }
}

function withPrompt(watched: WatchedRun, text: string): WatchedRun {
  const { extendedPrompt: _, ...run } = watched.run;
  return { ...watched, run: text === run.prompt ? run : { ...run, extendedPrompt: text } };
}

function withChunk(
  run: RunView,
  { stage, chunk: index, seconds, frames, at }: Extract<RunServerEvent, { type: "chunk" }>,
): RunView {
  const known = run.chunks.find((chunk) => chunk.index === index);
  // Pictures are counted where there are most: latent frames are fewer.
  const changed: ChunkView = {
    index,
    frames: Math.max(known?.frames ?? 0, frames),
    stages: { ...known?.stages, [stage]: (known?.stages[stage] ?? 0) + seconds },
  };
  const others = run.chunks.filter((chunk) => chunk.index !== index);
  const chunks = [...others, changed].sort((a, b) => a.index - b.index).slice(-CHUNKS);
  const stages = run.timings.stages.some((each) => each.stage === stage)
    ? run.timings.stages
    : [...run.timings.stages, { stage, chunks: 0, seconds: 0 }];
  return {
    ...run,
    chunks,
    timings: {
      seconds: Math.max(run.timings.seconds, at),
      stages: stages.map((each) =>
        each.stage === stage
          ? { stage, chunks: each.chunks + 1, seconds: each.seconds + seconds }
          : each
      ),
    },
  };
}
