/** What the API takes and gives, as schemas: requests are checked by them, and OpenAPI is made of them. */
import { z } from "zod";
import { PIPELINE_NAME } from "./catalogue.ts";
import type {
  CreateRun,
  ExtendRequest,
  ExtendView,
  HealthView,
  PatchRun,
  PipelineText,
  PipelineView,
  PluginView,
  Problem,
  RunsPage,
  RunView,
  UploadView,
  ValidationView,
} from "./wire.ts";

/** Characters of a prompt at most. */
const PROMPT = 20_000;

const prompt = z.string().max(PROMPT).refine((text) => text.trim() !== "", {
  message: "Say what to show, such as: a red ball bounces on a green floor",
}).meta({ description: "What to show, in words" });

const pipelineName = z.string().min(1).max(64).meta({ description: "Name of a pipeline" });

const optionValue: z.ZodType = z.union([
  z.string().max(2000),
  z.number(),
  z.boolean(),
  z.array(z.union([z.string().max(2000), z.number(), z.boolean()])).max(1000),
]);

const STRENGTH = "Expected above 0 and at most 1, such as 0.6";

const timelineEntry = z.strictObject({
  at: z.number().gt(0, "Expected a time above 0, where the first prompt begins").max(1e6)
    .meta({ description: "Seconds of the video" }),
  prompt,
});

/** Body of `POST /api/runs`. */
export const createRun = z.strictObject({
  prompt,
  pipeline: pipelineName.optional(),
  seed: z.int().min(0).optional().meta({ description: "Seed of the noise; drawn if left out" }),
  extend: z.boolean().optional().meta({ description: "Whether the prompt may be rewritten" }),
  options: z.record(
    z.string().max(128).regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "Expected plugin.option"),
    optionValue,
  ).refine((options) => Object.keys(options).length <= 100, "Expected at most 100 options")
    .optional().meta({ description: "Overrides, plugin.option in the spelling of configs" }),
  frames: z.int().min(0).max(400_000).optional().meta({ description: "Pictures; 0 is endless" }),
  image: z.string().max(64).optional().meta({ description: "Id of an upload to begin with" }),
  video: z.string().max(64).optional().meta({
    description: "Id of an upload, or of a run of the gallery, to go on from or to make over",
  }),
  strength: z.number().gt(0, STRENGTH).max(1, STRENGTH).optional().meta({
    description: "How much of the clip is changed: the video is made over it",
  }),
  timeline: z.array(timelineEntry).max(100).optional().meta({
    description: "Prompts that take the place of the first in the course of the video",
  }),
}) satisfies z.ZodType<unknown>;

/** Body of `PATCH /api/runs/{id}`. */
export const patchRun = z.strictObject({
  prompt: prompt.optional(),
  action: z.enum(["pause", "resume", "stop"]).optional(),
}).refine(({ prompt, action }) => prompt !== undefined || action !== undefined, {
  message: "Expected a prompt, an action or both",
});

/** Query of `GET /api/runs`. */
export const listRuns = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(24),
  before: z.string().max(64).optional().meta({ description: "The `next` of an earlier page" }),
});

/** Body of `POST /api/pipelines/validate` and `PUT /api/pipelines/{name}`. */
export const pipelineText = z.strictObject({
  yaml: z.string().min(1).max(40_000).meta({ description: "The pipeline as YAML or JSON" }),
});

/** Body of `POST /api/extend`. */
export const extendRequest = z.strictObject({ prompt, pipeline: pipelineName.optional() });

/** Name in the address of a pipeline. */
export const pipelineParameter = z.string().regex(PIPELINE_NAME);

const kind = z.string().meta({ description: "Kind of data" });
const state = z.enum(["queued", "starting", "streaming", "finished", "cancelled", "failed"]);
const json = z.record(z.string(), z.unknown());
const seconds = z.number().min(0);

const run = z.object({
  id: z.string(),
  state,
  prompt: z.string(),
  extendedPrompt: z.string().optional(),
  prompts: z.array(z.object({ chunk: z.int(), text: z.string() })),
  seed: z.int().min(0),
  pipeline: z.string(),
  options: json,
  framesAsked: z.int().optional(),
  extend: z.boolean(),
  opening: z.object({
    kind: z.enum(["image", "video"]),
    id: z.string(),
    strength: z.number().optional(),
  }).optional(),
  timeline: z.array(z.object({ at: z.number(), prompt: z.string() })).optional(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  position: z.int().min(1).optional(),
  paused: z.boolean(),
  endless: z.boolean(),
  stopped: z.boolean(),
  frames: z.int(),
  framesTotal: z.int().nullable(),
  chunksTotal: z.int().nullable(),
  fps: z.number(),
  width: z.int().optional(),
  height: z.int().optional(),
  firstFrameSeconds: seconds.optional(),
  framesPerSecond: seconds.optional(),
  realTimeFactor: seconds.optional(),
  timings: z.object({
    seconds,
    stages: z.array(z.object({ stage: z.string(), chunks: z.int(), seconds })),
  }),
  chunks: z.array(
    z.object({ index: z.int(), frames: z.int(), stages: z.record(z.string(), seconds) }),
  ),
  error: z.string().optional(),
  video: z.string().optional(),
  poster: z.string().optional(),
  stream: z.string().optional(),
  mediaType: z.string().optional(),
  bytes: z.int().optional(),
});

const upload = z.object({
  id: z.string(),
  kind: z.enum(["image", "video"]),
  width: z.int(),
  height: z.int(),
  seconds,
  bytes: z.int(),
  poster: z.string(),
});

const stage = z.object({
  use: z.string(),
  plugin: z.string(),
  takes: kind,
  gives: kind,
  options: json,
});

const pipelineProblem = z.object({
  line: z.int().optional(),
  column: z.int().optional(),
  message: z.string(),
  key: z.string().optional(),
});

const pipeline = z.object({
  name: z.string(),
  description: z.string().optional(),
  device: z.string().optional(),
  builtIn: z.boolean(),
  default: z.boolean(),
  stages: z.array(stage),
  frames: z.int().nullable(),
  framesPerChunk: z.int().nullable(),
  fps: z.number(),
  yaml: z.string(),
  error: z.string().optional(),
  problems: z.array(pipelineProblem).optional(),
});

/** What answers hold. */
export const answers = {
  Run: run,
  Runs: z.object({ runs: z.array(run), next: z.string().optional() }),
  Upload: upload,
  Pipeline: pipeline,
  Pipelines: z.object({ pipelines: z.array(pipeline) }),
  Validation: z.object({
    ok: z.boolean(),
    problems: z.array(pipelineProblem),
    stages: z.array(stage).optional(),
  }),
  Plugins: z.object({
    plugins: z.array(z.object({
      name: z.string(),
      summary: z.string(),
      takes: kind,
      gives: kind,
      options: json.meta({ description: "JSON Schema" }),
    })),
  }),
  Extended: z.object({ text: z.string() }),
  Health: z.object({ status: z.literal("ok"), queued: z.int(), busy: z.boolean() }),
  Problem: z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    errors: z.array(pipelineProblem.extend({ field: z.string() })).optional(),
  }),
} as const;

/** `A` must have the fields of `B` and no others, or this file does not compile. */
type SameFields<A, B> = [keyof A, keyof B] extends [keyof B, keyof A] ? true : never;
type Answer<Name extends keyof typeof answers> = z.output<typeof answers[Name]>;

/** The schemas above and the types of `wire.ts` have the same fields. */
export const checkedAgainstWire: readonly true[] = [
  true satisfies SameFields<z.output<typeof createRun>, CreateRun>,
  true satisfies SameFields<z.output<typeof patchRun>, PatchRun>,
  true satisfies SameFields<z.output<typeof pipelineText>, PipelineText>,
  true satisfies SameFields<z.output<typeof extendRequest>, ExtendRequest>,
  true satisfies SameFields<Answer<"Run">, RunView>,
  true satisfies SameFields<Answer<"Runs">, RunsPage>,
  true satisfies SameFields<Answer<"Upload">, UploadView>,
  true satisfies SameFields<Answer<"Pipeline">, PipelineView>,
  true satisfies SameFields<Answer<"Validation">, ValidationView>,
  true satisfies SameFields<Answer<"Plugins">["plugins"][number], PluginView>,
  true satisfies SameFields<Answer<"Extended">, ExtendView>,
  true satisfies SameFields<Answer<"Health">, HealthView>,
  true satisfies SameFields<Answer<"Problem">, Problem>,
];
