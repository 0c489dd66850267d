/** The studio in the words of OpenAI's video API, as far as those words go. */
import { z } from "zod";
import type { PipelineView, RunState, RunView } from "./wire.ts";
import { nearestCounts } from "../pipeline/pictures.ts";
import type { CreateRun } from "./wire.ts";

/** Body of `POST /v1/videos`. */
export const createVideo = z.strictObject({
  prompt: z.string().min(1).max(20_000).refine((text) => text.trim() !== "", "Say what to show"),
  model: z.string().min(1).max(64).optional().meta({ description: "Name of a pipeline" }),
  seconds: z.union([z.string().regex(/^\d{1,4}$/), z.int().min(1).max(9999)]).optional(),
  size: z.string().regex(/^\d{1,4}x\d{1,4}$/).optional().meta({ description: "width x height" }),
});

/** A video as OpenAI's API shows it. */
export interface Video {
  readonly id: string;
  readonly object: "video";
  readonly model: string;
  readonly status: "queued" | "in_progress" | "completed" | "failed";
  /** Percent. */
  readonly progress: number;
  /** Seconds since 1970, each. */
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly seconds: string;
  readonly size: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The run that a request means. `pipeline` is what its `model` names. */
export function toCreateRun(
  { prompt, model, seconds, size }: z.output<typeof createVideo>,
  pipeline: PipelineView | undefined,
): CreateRun {
  const [width, height] = size?.split("x").map(Number) ?? [];
  const frames = seconds !== undefined && pipeline?.framesPerChunk
    // A video is made of whole chunks: the nearest.
    ? nearestCounts(Number(seconds) * pipeline.fps, pipeline.framesPerChunk / 4)[0]
    : undefined;
  return {
    prompt,
    ...(model !== undefined && { pipeline: model }),
    ...(frames !== undefined && { frames }),
    ...(width !== undefined && height !== undefined && {
      options: { "diffuse.width": width, "diffuse.height": height },
    }),
  };
}

const STATUS: Readonly<Record<RunState, Video["status"]>> = {
  queued: "queued",
  starting: "in_progress",
  streaming: "in_progress",
  finished: "completed",
  cancelled: "failed",
  failed: "failed",
};

/** A run in those words. */
export function toVideo(run: RunView): Video {
  const { id, pipeline, state, frames, framesTotal, fps, width, height, createdAt, endedAt } = run;
  const share = framesTotal === null ? 0 : frames / framesTotal;
  const error = state === "cancelled" ? "The run was cancelled." : run.error;
  return {
    id,
    object: "video",
    model: pipeline,
    status: STATUS[state],
    progress: state === "finished" ? 100 : Math.min(99, Math.round(share * 100)),
    created_at: Math.floor(Date.parse(createdAt) / 1000),
    completed_at: endedAt === undefined ? null : Math.floor(Date.parse(endedAt) / 1000),
    seconds: String(Math.round((framesTotal ?? frames) / fps)),
    size: width === undefined || height === undefined ? null : `${width}x${height}`,
    error: error === undefined ? null : { code: state, message: error },
  };
}
