/** The studio's API, typed. */
import type {
  CreateRun,
  ExtendView,
  FieldError,
  HealthView,
  PatchRun,
  PipelineView,
  Problem,
  RunsPage,
  RunView,
  UploadView,
  ValidationView,
} from "../../server/wire.ts";

/** The server refused, or could not. */
export class ApiError extends Error {
  override name = "ApiError";
  /** HTTP status. */
  readonly status: number;
  /** Fields that are wrong. */
  readonly fields: readonly FieldError[];

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.fields = problem.errors ?? [];
  }
}

/** The server does not answer: it has ended, or the network has. */
export class GoneError extends Error {
  override name = "GoneError";

  constructor(cause: unknown) {
    super("The studio does not answer. It may have been stopped.", { cause });
  }
}

/** How requests are sent; tests put another in its place. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** One method a request. Each throws `ApiError` or `GoneError`. */
export class StudioClient {
  readonly #fetch: Fetch;

  constructor(fetch: Fetch = (input, init) => globalThis.fetch(input, init)) {
    this.#fetch = fetch;
  }

  createRun(request: CreateRun): Promise<RunView> {
    return this.#ask("POST", "/api/runs", { body: request });
  }

  /** A run, or nothing where there is none of that id. */
  findRun(id: string): Promise<RunView | undefined> {
    return this.#find(`/api/runs/${id}`);
  }

  /** Newest first. */
  listRuns({ limit = 24, before }: { limit?: number; before?: string } = {}): Promise<RunsPage> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before !== undefined) query.set("before", before);
    return this.#ask("GET", `/api/runs?${query}`);
  }

  patchRun(id: string, patch: PatchRun): Promise<RunView> {
    return this.#ask("PATCH", `/api/runs/${id}`, { body: patch });
  }

  /** Also where the page is being left; a run that is gone already is no error. */
  async deleteRun(id: string): Promise<void> {
    try {
      await this.#ask("DELETE", `/api/runs/${id}`, { keepalive: true });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  /** Sends a picture or clip that a run may begin with. */
  upload(file: File, signal: AbortSignal): Promise<UploadView> {
    return this.#ask("POST", "/api/uploads", { file, signal });
  }

  /** An upload, or nothing where there is none of that id any more. */
  findUpload(id: string): Promise<UploadView | undefined> {
    return this.#find(`/api/uploads/${id}`);
  }

  async deleteUpload(id: string): Promise<void> {
    await this.#ask("DELETE", `/api/uploads/${id}`);
  }

  extend(prompt: string, pipeline: string, signal: AbortSignal): Promise<ExtendView> {
    return this.#ask("POST", "/api/extend", { body: { prompt, pipeline }, signal });
  }

  validate(yaml: string, signal: AbortSignal): Promise<ValidationView> {
    return this.#ask("POST", "/api/pipelines/validate", { body: { yaml }, signal });
  }

  savePipeline(name: string, yaml: string): Promise<PipelineView> {
    return this.#ask("PUT", `/api/pipelines/${encodeURIComponent(name)}`, { body: { yaml } });
  }

  /** Whether runs can start; where not, the error says why. */
  ready(signal?: AbortSignal): Promise<HealthView> {
    return this.#ask("GET", "/api/health/ready", signal === undefined ? {} : { signal });
  }

  async #find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.#ask("GET", path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #ask<T>(
    method: string,
    path: string,
    { body, file, ...rest }: {
      body?: unknown;
      file?: File;
      signal?: AbortSignal;
      keepalive?: boolean;
    } = {},
  ): Promise<T> {
    let response: Response;
    try {
      response = await this.#fetch(path, {
        method,
        ...rest,
        ...(body !== undefined && {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
        ...(file !== undefined && { headers: { "content-type": file.type }, body: file }),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new GoneError(error);
    }
    if (!response.ok) throw new ApiError(await readProblem(response));
    return response.status === 204 ? undefined as T : await response.json();
  }
}

/** The problem in an answer, or one made of its status where a proxy wrote it. */
async function readProblem(response: Response): Promise<Problem> {
  const { status, statusText } = response;
  try {
    const problem: Partial<Problem> = await response.json();
    if (typeof problem.title === "string") {
      return { type: "", ...problem, title: problem.title, status };
    }
  } catch {
    // No JSON: what is left is the status.
  }
  return { type: "about:blank", title: `The studio answered ${status} ${statusText}.`, status };
}

/** An error as a sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
