/** The OpenAPI document, made of the schemas that requests are checked by. */
import { z } from "zod";
import {
  answers,
  createRun,
  extendRequest,
  listRuns,
  patchRun,
  pipelineParameter,
  pipelineText,
} from "./schemas.ts";
import { createVideo } from "./openai.ts";
import type { JsonSchema } from "./wire.ts";

type Answer = keyof typeof answers;

/** One operation of the API. */
interface Operation {
  readonly method: "get" | "post" | "patch" | "put" | "delete";
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  /** Types of a body that is a file. */
  readonly file?: readonly string[];
  readonly query?: z.ZodObject;
  /** Status of success, and what the answer holds: a schema's name, or a MIME type. */
  readonly ok: readonly [status: number, answer: Answer | `${string}/${string}` | undefined];
  /** Statuses of problems. */
  readonly problems: readonly number[];
}

const OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/api/runs",
    summary: "Runs, newest first",
    query: listRuns,
    ok: [200, "Runs"],
    problems: [422],
  },
  {
    method: "post",
    path: "/api/runs",
    summary: "Start a run, or put it into the queue",
    body: createRun,
    ok: [201, "Run"],
    problems: [400, 409, 413, 415, 422, 429, 503],
  },
  {
    method: "get",
    path: "/api/runs/{id}",
    summary: "One run",
    ok: [200, "Run"],
    problems: [404],
  },
  {
    method: "patch",
    path: "/api/runs/{id}",
    summary: "Change the prompt, pause, resume or stop",
    body: patchRun,
    ok: [200, "Run"],
    problems: [400, 404, 409, 413, 415, 422],
  },
  {
    method: "delete",
    path: "/api/runs/{id}",
    summary: "End a run and delete its files",
    ok: [204, undefined],
    problems: [404],
  },
  {
    method: "get",
    path: "/api/runs/{id}/events",
    summary: "What the run tells, as server-sent events; Last-Event-ID resumes",
    ok: [200, "text/event-stream"],
    problems: [404, 503],
  },
  {
    method: "get",
    path: "/api/runs/{id}/stream",
    summary: "The video while it is made: fragmented MP4 from the newest key frame on",
    ok: [200, "video/mp4"],
    problems: [404, 409, 503],
  },
  {
    method: "get",
    path: "/api/runs/{id}/video",
    summary: "The finished video; ranges are served",
    query: z.strictObject({ download: z.literal("1").optional() }),
    ok: [200, "video/mp4"],
    problems: [404, 412, 416],
  },
  {
    method: "get",
    path: "/api/runs/{id}/poster",
    summary: "The first picture of the finished video",
    ok: [200, "image/jpeg"],
    problems: [404, 412, 416],
  },
  {
    method: "post",
    path: "/api/uploads",
    summary: "Send a picture or clip, at most 64 MiB, for a run to begin with",
    file: ["image/*", "video/*"],
    ok: [201, "Upload"],
    problems: [400, 413, 415, 422, 503],
  },
  {
    method: "get",
    path: "/api/uploads/{id}",
    summary: "One upload; asking keeps it for another hour",
    ok: [200, "Upload"],
    problems: [404],
  },
  {
    method: "delete",
    path: "/api/uploads/{id}",
    summary: "Remove an upload",
    ok: [204, undefined],
    problems: [404],
  },
  {
    method: "get",
    path: "/api/uploads/{id}/poster",
    summary: "The first picture of an upload, made small",
    ok: [200, "image/jpeg"],
    problems: [404, 412, 416],
  },
  {
    method: "get",
    path: "/api/pipelines",
    summary: "Pipelines by name",
    ok: [200, "Pipelines"],
    problems: [],
  },
  {
    method: "post",
    path: "/api/pipelines/validate",
    summary: "What is wrong with a pipeline's text",
    body: pipelineText,
    ok: [200, "Validation"],
    problems: [400, 413, 415, 422],
  },
  {
    method: "get",
    path: "/api/pipelines/{name}",
    summary: "One pipeline",
    ok: [200, "Pipeline"],
    problems: [404],
  },
  {
    method: "put",
    path: "/api/pipelines/{name}",
    summary: "Save a pipeline",
    body: pipelineText,
    ok: [200, "Pipeline"],
    problems: [400, 413, 415, 422, 503],
  },
  {
    method: "get",
    path: "/api/plugins",
    summary: "Plugins with the schemas of their options",
    ok: [200, "Plugins"],
    problems: [],
  },
  {
    method: "post",
    path: "/api/extend",
    summary: "Rewrite a prompt as the pipeline would",
    body: extendRequest,
    ok: [200, "Extended"],
    problems: [400, 413, 415, 422, 503],
  },
  {
    method: "get",
    path: "/api/health/live",
    summary: "Whether the studio answers",
    ok: [200, "Health"],
    problems: [],
  },
  {
    method: "get",
    path: "/api/health/ready",
    summary: "Whether the model is loaded and works",
    ok: [200, "Health"],
    problems: [503],
  },
  {
    method: "post",
    path: "/v1/videos",
    summary: "Start a run as OpenAI's video API does",
    body: createVideo,
    ok: [200, "application/json"],
    problems: [400, 409, 413, 415, 422, 429, 503],
  },
  {
    method: "get",
    path: "/v1/videos/{id}",
    summary: "A run as OpenAI's video API shows it",
    ok: [200, "application/json"],
    problems: [404],
  },
  {
    method: "get",
    path: "/v1/videos/{id}/content",
    summary: "The finished video",
    ok: [200, "video/mp4"],
    problems: [404, 412, 416],
  },
];

/** The document, OpenAPI 3.1. */
export function openApi(version: string): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    (paths[operation.path] ??= {})[operation.method] = describe(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice studio",
      version,
      description: "Makes videos of prompts and streams them while they are made.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(answers).map(([name, schema]) => [name, toSchema(schema, "output")]),
      ),
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        cookie: { type: "apiKey", in: "cookie", name: "sluice_token" },
      },
    },
    // On loopback none is asked.
    security: [{}, { token: [] }, { cookie: [] }],
  };
}

function describe(
  { method, path, summary, body, file, query, ok, problems }: Operation,
): JsonSchema {
  const [status, answer] = ok;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: name === "name" ? toSchema(pipelineParameter, "input") : { type: "string" },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: toSchema(schema as z.ZodType, "input"),
  }));
  return {
    operationId: `${method}${path.replace(/[^a-z]+(\w)/gi, (_, letter) => letter.toUpperCase())}`
      .replace(/\W/g, ""),
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: toSchema(body, "input") } },
      },
    }),
    ...(file !== undefined && {
      requestBody: {
        required: true,
        content: Object.fromEntries(file.map((type) => [type, {}])),
      },
    }),
    responses: {
      [status]: { description: "Done", ...contentOf(answer) },
      ...Object.fromEntries(
        [...problems, 401, 403].map((each) => [each, {
          description: "Problem details, RFC 9457",
          content: {
            "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
          },
        }]),
      ),
    },
  };
}

function contentOf(answer: Operation["ok"][1]): JsonSchema {
  if (answer === undefined) return {};
  if (answer.includes("/")) return { content: { [answer]: {} } };
  return {
    content: { "application/json": { schema: { $ref: `#/components/schemas/${answer}` } } },
  };
}

function toSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
