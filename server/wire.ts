/** What the studio's API sends and takes, as JSON. Times are in seconds unless a name says otherwise. */
import type { Kind } from "../pipeline/data.ts";
import type { TimelineEntry } from "../pipeline/timeline.ts";

export type { TimelineEntry };

/** Where a run stands. The last three are final. */
export type RunState =
  | "queued"
  | "starting"
  | "streaming"
  | "finished"
  | "cancelled"
  | "failed";

/** A JSON Schema as plain data. */
export type JsonSchema = Record<string, unknown>;

/** Body of `POST /api/runs`. */
export interface CreateRun {
  /** What to show, in words, 1 … 20,000 characters. */
  readonly prompt: string;
  /** Name of a pipeline; by default the one the studio was started with. */
  readonly pipeline?: string;
  /** Seed of the noise, 0 … 2^53 − 1; drawn where it is left out. */
  readonly seed?: number;
  /** Whether the pipeline's extend-prompt stage may rewrite the prompt. Default: true. */
  readonly extend?: boolean;
  /** Overrides by `plugin.option`, in the spelling of configs, such as `diffuse.latent-frames`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Pictures in all; 0 goes on until it is stopped. By default what the pipeline says. */
  readonly frames?: number;
  /** Id of an upload, whose picture the video begins with. */
  readonly image?: string;
  /** Id of an upload, or of a run of the gallery, which the video goes on from or is made over. */
  readonly video?: string;
  /**
   * How much of the clip is changed, above 0 and at most 1: the video is made over it, and is as long as it. Left out,
   * the video goes on from the clip's end.
   */
  readonly strength?: number;
  /** Prompts that take the place of the first in the course of the video. By default what the pipeline says. */
  readonly timeline?: readonly TimelineEntry[];
}

/** An answer of `/api/uploads`: a picture or clip that a run may begin with. */
export interface UploadView {
  /** `u-` and 24 of `a-z 0-9`. */
  readonly id: string;
  /** Whether one picture is in it, or more. */
  readonly kind: "image" | "video";
  /** In pixels, as it is meant to be seen. */
  readonly width: number;
  readonly height: number;
  /** How long it says it is; 0 for a picture, and for a clip that does not say. */
  readonly seconds: number;
  readonly bytes: number;
  /** Address of its first picture, made small (JPEG). */
  readonly poster: string;
}

/** What a run begins with. */
export interface OpeningView {
  /** Whether it was asked for as `image` or as `video`. */
  readonly kind: "image" | "video";
  /** Of an upload, which may be gone, or of a run. */
  readonly id: string;
  /** As it was asked for. */
  readonly strength?: number;
}

/** Body of `PATCH /api/runs/:id`: one of them or both. */
export interface PatchRun {
  /** Shown from the next chunk on. */
  readonly prompt?: string;
  /** `stop` finishes what is made already and keeps it; a run that waits is cancelled by it. */
  readonly action?: "pause" | "resume" | "stop";
}

/** One chunk of a run and where its time went. */
export interface ChunkView {
  /** From 0. */
  readonly index: number;
  /** Pictures inside; 0 until it is decoded. */
  readonly frames: number;
  /** Seconds of own work by stage, of the stages that have given it. */
  readonly stages: Readonly<Record<string, number>>;
}

/** A run as its page shows it. */
export interface RunView {
  /** 1 … 64 of `a-z 0-9 -`; sorts by time of creation. */
  readonly id: string;
  readonly state: RunState;
  /** What was asked for last. */
  readonly prompt: string;
  /** What the extend-prompt stage made of it, where that differs. */
  readonly extendedPrompt?: string;
  /** Every prompt of the run, with the first chunk it was asked for; 64 at most. */
  readonly prompts: readonly { readonly chunk: number; readonly text: string }[];
  readonly seed: number;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Overrides as they were asked for, so that settings can be used again. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Pictures as they were asked for, so that settings can be used again; 0 endless. */
  readonly framesAsked?: number;
  /** Whether the pipeline's extend-prompt stage was used. */
  readonly extend: boolean;
  /** What it begins with, as it was asked for. */
  readonly opening?: OpeningView;
  /** Prompts by the second at which they begin, as they were asked for. */
  readonly timeline?: readonly TimelineEntry[];
  /** ISO 8601 each. */
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Place in the queue, from 1, while the run waits. */
  readonly position?: number;
  readonly paused: boolean;
  /** Whether it goes on until it is stopped. */
  readonly endless: boolean;
  /** Whether it was stopped before its end. */
  readonly stopped: boolean;
  /** Pictures so far. */
  readonly frames: number;
  /** Pictures there will be; null where that is not known. */
  readonly framesTotal: number | null;
  /** Chunks there will be; null where that is not known. */
  readonly chunksTotal: number | null;
  /** Pictures a second of the video. */
  readonly fps: number;
  readonly width?: number;
  readonly height?: number;
  /** From the moment it left the queue to its first encoded picture. */
  readonly firstFrameSeconds?: number;
  /** Pictures made a second, from the first chunk to the newest. */
  readonly framesPerSecond?: number;
  /** Seconds of video made in a second; 1 or more plays without waiting. */
  readonly realTimeFactor?: number;
  readonly timings: {
    readonly seconds: number;
    readonly stages: readonly {
      readonly stage: string;
      readonly chunks: number;
      readonly seconds: number;
    }[];
  };
  /** The newest 256. */
  readonly chunks: readonly ChunkView[];
  /** Why it failed, in a sentence. */
  readonly error?: string;
  /** Address of the finished video (MP4, Range). */
  readonly video?: string;
  /** Address of its first picture (JPEG). */
  readonly poster?: string;
  /** Address of the stream (fragmented MP4), while the run goes on. */
  readonly stream?: string;
  /** MIME type of the stream with codecs, once it is known. */
  readonly mediaType?: string;
  /** Size of the finished video. */
  readonly bytes?: number;
}

/** Answer of `GET /api/runs`: newest first. */
export interface RunsPage {
  readonly runs: readonly RunView[];
  /** Value of `before` for the next page, where there is one. */
  readonly next?: string;
}

/**
 * What `GET /api/runs/:id/events` sends: the SSE event's name is `type`, its id counts from 1 and
 * resumes by `Last-Event-ID`, its data is this. The first is a `state`; after `done` the stream ends.
 */
export type RunServerEvent =
  /** A new state, or a new place in the queue, or pausing and resuming. */
  | { readonly type: "state"; readonly run: RunView }
  /** One denoising step of a chunk is done. */
  | {
    readonly type: "step";
    readonly stage: string;
    readonly chunk: number;
    /** From 1. */
    readonly step: number;
    readonly steps: number;
    /** Seconds since the run started. */
    readonly at: number;
  }
  /** A stage gave a chunk. */
  | {
    readonly type: "chunk";
    readonly stage: string;
    readonly chunk: number;
    /** Of its own work. */
    readonly seconds: number;
    /** Pictures or latent frames inside. */
    readonly frames: number;
    readonly at: number;
  }
  /** From this chunk on this text is shown, as the extend-prompt stage left it. */
  | {
    readonly type: "prompt";
    readonly stage: string;
    readonly chunk: number;
    readonly text: string;
    readonly at: number;
  }
  | { readonly type: "warning"; readonly message: string; readonly at: number }
  /** A segment can be had from the stream. */
  | {
    readonly type: "media";
    /** Pictures encoded so far. */
    readonly frames: number;
    readonly bytes: number;
    readonly firstFrameSeconds: number;
    readonly framesPerSecond?: number;
    readonly realTimeFactor?: number;
    readonly at: number;
  }
  /** The run is over. */
  | { readonly type: "done"; readonly run: RunView };

/** A stage of a pipeline, with every option in effect. */
export interface StageView {
  /** As the config names it: a plugin's name, or a module's address. */
  readonly use: string;
  /** Name of the plugin. */
  readonly plugin: string;
  readonly takes: Kind;
  readonly gives: Kind;
  /** Keys in kebab-case. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A pipeline by name. */
export interface PipelineView {
  readonly name: string;
  readonly description?: string;
  readonly device?: string;
  /** Whether it came with Sluice, or was written by hand: those are never overwritten from here. */
  readonly builtIn: boolean;
  /** Whether the studio uses it where a request names none. */
  readonly default: boolean;
  readonly stages: readonly StageView[];
  /** Pictures in all; 0 endless, null where the pipeline does not say. */
  readonly frames: number | null;
  /** Pictures from one chunk to the next; null where the pipeline does not say. */
  readonly framesPerChunk: number | null;
  readonly fps: number;
  /** The text of its file. */
  readonly yaml: string;
  /** Why it cannot be used; then it has no stages. */
  readonly error?: string;
  /** Everything that keeps it from being used, by places. */
  readonly problems?: readonly PipelineProblem[];
}

/** A plugin, for forms. */
export interface PluginView {
  readonly name: string;
  readonly summary: string;
  readonly takes: Kind;
  readonly gives: Kind;
  /** JSON Schema of its options, keys in kebab-case. */
  readonly options: JsonSchema;
}

/** Body of `POST /api/pipelines/validate` and `PUT /api/pipelines/:name`. */
export interface PipelineText {
  readonly yaml: string;
}

/** What is wrong with a pipeline's text. */
export interface PipelineProblem {
  /** From 1; absent where the text as a whole is meant. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  readonly message: string;
  /** Such as `stages[2].with.latent-frames`. */
  readonly key?: string;
}

/** Answer of `POST /api/pipelines/validate`. */
export interface ValidationView {
  readonly ok: boolean;
  readonly problems: readonly PipelineProblem[];
  /** The stages, where it is fine. */
  readonly stages?: readonly StageView[];
}

/** Body of `POST /api/extend`. */
export interface ExtendRequest {
  readonly prompt: string;
  /** Whose extend-prompt stage; by default the studio's pipeline. */
  readonly pipeline?: string;
}

/** Answer of `POST /api/extend`. */
export interface ExtendView {
  readonly text: string;
}

/** Answer of `GET /api/health/live` and, where all is well, of `/ready`. */
export interface HealthView {
  readonly status: "ok";
  /** Runs that wait. */
  readonly queued: number;
  /** Whether a run goes on. */
  readonly busy: boolean;
}

/** RFC 9457: the body of every error, `application/problem+json`. */
export interface Problem {
  /** A relative reference that names the kind of problem, such as `/problems/validation`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance?: string;
  /** Where fields of the request are wrong. */
  readonly errors?: readonly FieldError[];
}

/** One field that is wrong. */
export interface FieldError {
  /** Path in the body, such as `options.diffuse.latent-frames`; empty for the body as a whole. */
  readonly field: string;
  readonly message: string;
  /** From 1: where the field's text, or the file that it names, has the mistake. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** What stands there, such as `stages[2].with.latent-frames`. */
  readonly key?: string;
}
