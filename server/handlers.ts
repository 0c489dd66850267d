/** What several routes share. */
import { isRunId } from "./run_id.ts";
import { fileResponse } from "./file_response.ts";
import { eventStream, lastEventId } from "./sse.ts";
import { ProblemError } from "./problem.ts";
import type { Studio } from "./studio.ts";
import type { RunView, UploadView } from "./wire.ts";

/** Listeners of one run's events at a time. */
const LISTENERS = 64;

/** The run of an address. */
export function runOf(studio: Studio, id: string | undefined): RunView {
  const run = id !== undefined && isRunId(id) ? studio.find(id) : undefined;
  if (run === undefined) {
    throw new ProblemError("not-found", "There is no such run: it was deleted, or never was.");
  }
  return run;
}

/** A file of a finished run. */
export async function runFile(
  studio: Studio,
  request: Request,
  id: string | undefined,
  file: "video" | "poster",
  save = false,
): Promise<Response> {
  const run = runOf(studio, id);
  if (run.state !== "finished") {
    throw new ProblemError("not-found", `The run has no ${file}: its state is ${run.state}.`);
  }
  const extension = file === "video" ? "mp4" : "jpg";
  try {
    return await fileResponse(request, {
      path: studio.file(run.id, file),
      type: file === "video" ? "video/mp4" : "image/jpeg",
      tag: `${run.id}-${file}`,
      modified: new Date(run.endedAt ?? run.createdAt),
      ...(save && { saveAs: `sluice-${run.id}.${extension}` }),
    });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ProblemError("not-found", `The ${file} is gone from the gallery.`, { cause });
  }
}

/** The upload of an address. */
export function uploadOf(studio: Studio, id: string | undefined): UploadView {
  const upload = id === undefined ? undefined : studio.uploads.get(id);
  if (upload === undefined) {
    throw new ProblemError("not-found", "There is no such upload: it was removed, or never was.");
  }
  return upload;
}

/** The small picture of an upload. */
export async function uploadPoster(
  studio: Studio,
  request: Request,
  id: string | undefined,
): Promise<Response> {
  const upload = uploadOf(studio, id);
  return await fileResponse(request, {
    path: studio.uploads.poster(upload.id),
    type: "image/jpeg",
    tag: upload.id,
    modified: new Date(0),
  });
}

/** A run's events. */
export function runEvents(studio: Studio, request: Request, id: string | undefined): Response {
  const run = runOf(studio, id);
  const log = studio.running(run.id)?.log;
  const headers = {
    "content-type": "text/event-stream",
    // Compressing would hold events back.
    "cache-control": "no-store, no-transform",
  };
  const after = lastEventId(request.headers);
  if (log === undefined) {
    // It is over for long: whoever was cut off knows its end, whoever is new is told it.
    if (after !== undefined) return new Response(null, { status: 204 });
    const event = `id: 1\nevent: done\ndata: ${JSON.stringify({ type: "done", run })}\n\n`;
    return new Response(request.method === "HEAD" ? null : event, { headers });
  }
  // 204 tells a browser not to come back.
  if (log.ended && after === log.last) return new Response(null, { status: 204 });
  if (request.method === "HEAD") return new Response(null, { headers });
  if (log.listeners >= LISTENERS) {
    throw new ProblemError("unavailable", `${LISTENERS} clients listen to this run already.`);
  }
  return new Response(eventStream(log, after), { headers });
}

/** A run's stream, while it goes on. */
export function runStream(studio: Studio, request: Request, id: string | undefined): Response {
  const view = runOf(studio, id);
  const run = studio.running(view.id);
  if (view.state === "finished") {
    return new Response(null, { status: 303, headers: { location: `/api/runs/${view.id}/video` } });
  }
  if (run === undefined || run.over) {
    throw new ProblemError("conflict", `The run is over (${view.state}): there is nothing to see.`);
  }
  const headers = {
    "content-type": view.mediaType ?? "video/mp4",
    "cache-control": "no-store, no-transform",
  };
  if (request.method === "HEAD") return new Response(null, { headers });
  if (run.broadcast.full) {
    throw new ProblemError("unavailable", "As many clients as may be watch this run already.");
  }
  return new Response(run.broadcast.join(), { headers });
}
