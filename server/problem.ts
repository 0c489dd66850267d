/** Errors as RFC 9457 problem details. */
import { HttpError } from "fresh";
import type { z } from "zod";
import { OptionsError } from "../pipeline/define.ts";
import { ConfigError, UserError } from "../pipeline/errors.ts";
import type { FieldError, PipelineProblem, Problem } from "./wire.ts";

/** Kinds of problems, by the last part of their `type`. */
const KINDS = {
  "bad-request": { status: 400, title: "The request cannot be read" },
  "token-needed": { status: 401, title: "A token is needed" },
  "forbidden": { status: 403, title: "The request is refused" },
  "not-found": { status: 404, title: "There is no such thing" },
  "conflict": { status: 409, title: "The run is in another state" },
  "models-missing": { status: 409, title: "Files of a model are not here" },
  "too-little-memory": { status: 409, title: "It does not fit into this machine" },
  "precondition": { status: 412, title: "It has changed" },
  "too-large": { status: 413, title: "The body is too large" },
  "media-type": { status: 415, title: "The body has another form" },
  "range": { status: 416, title: "There is no such range" },
  "validation": { status: 422, title: "Fields are wrong" },
  "queue-full": { status: 429, title: "The queue is full" },
  "internal": { status: 500, title: "Something went wrong in the studio" },
  "unavailable": { status: 503, title: "The studio cannot do this now" },
} as const;

/** Name of a kind of problem. */
export type ProblemKind = keyof typeof KINDS;

/** A problem that a client is told of. */
export class ProblemError extends Error {
  override name = "ProblemError";
  readonly kind: ProblemKind;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` is a sentence for people. */
  constructor(
    kind: ProblemKind,
    detail: string,
    { errors, headers = {}, cause }: {
      errors?: readonly FieldError[];
      headers?: Readonly<Record<string, string>>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause });
    this.kind = kind;
    this.errors = errors;
    this.headers = headers;
  }

  get status(): number {
    return KINDS[this.kind].status;
  }

  /** The body of the answer. */
  describe(instance?: string): Problem {
    const { status, title } = KINDS[this.kind];
    return {
      type: `/problems/${this.kind}`,
      title,
      status,
      detail: this.message,
      ...(instance !== undefined && { instance }),
      ...(this.errors !== undefined && { errors: this.errors }),
    };
  }
}

/** Fields are wrong; `prefix` is put before their paths. */
export function fieldsProblem(
  error: z.ZodError,
  prefix: readonly PropertyKey[] = [],
): ProblemError {
  const errors = error.issues.flatMap((issue): FieldError[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code !== "unrecognized_keys") {
      return [{ field: path.map(String).join("."), message: sentence(issue.message) }];
    }
    return issue.keys.map((key) => ({
      field: [...path, key].map(String).join("."),
      message: "There is no such field.",
    }));
  });
  return new ProblemError("validation", summary(errors), { errors });
}

/** One field is wrong. */
export function fieldProblem(field: string, message: string): ProblemError {
  return new ProblemError("validation", summary([{ field, message }]), {
    errors: [{ field, message }],
  });
}

/** A pipeline that a field names, or its text, is wrong: each mistake with its place. */
export function pipelineProblem(field: string, error: UserError): ProblemError {
  const errors = placesOf(error).map((problem) => ({ field, ...problem }));
  const shown = errors.map(({ line, key, message }) =>
    [line === undefined ? "" : `line ${line}: `, key === undefined ? "" : `${key}: `, message].join(
      "",
    )
  );
  const more = shown.length > 3 ? [`And ${shown.length - 3} more.`] : [];
  const detail = [`${field}:`, ...shown.slice(0, 3), ...more].join(" ");
  return new ProblemError("validation", detail, { errors, cause: error });
}

/** What is wrong with a pipeline, by places in its text. */
export function placesOf(error: UserError): PipelineProblem[] {
  if (!(error instanceof ConfigError)) return [{ message: error.message }];
  return error.problems.map(({ reason, line, column, key }) => ({
    message: reason,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    ...(key !== "" && { key }),
  }));
}

function summary(errors: readonly FieldError[]): string {
  return errors.slice(0, 3).map(({ field, message }) =>
    field === "" ? message : `${field}: ${message}`
  )
    .join(" ");
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** What a client is told of any error. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof HttpError) {
    if (error.status === 404) {
      return new ProblemError("not-found", error.message || "There is nothing at this address.");
    }
    if (error.status < 500) return new ProblemError("bad-request", error.message);
  }
  if (error instanceof OptionsError) {
    const errors = error.problems.map(({ path, reason }) => ({
      field: path.map(String).join("."),
      message: reason,
    }));
    return new ProblemError("validation", error.message, { errors, cause: error });
  }
  if (error instanceof ConfigError) return pipelineProblem("pipeline", error);
  if (error instanceof UserError) {
    return new ProblemError("validation", error.message, { cause: error });
  }
  // The words of an error of the server's own may tell what is nobody's business.
  return new ProblemError("internal", "The request could not be answered.", { cause: error });
}

/** The answer for an error. */
export function problemResponse(error: unknown, instance?: string): Response {
  const problem = toProblem(error);
  return new Response(JSON.stringify(problem.describe(instance)), {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...problem.headers,
    },
  });
}
