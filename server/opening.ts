/** What a run begins with: an upload, or a video of the gallery. */
import type { OpeningKind } from "../pipeline/opening.ts";
import type { Gallery } from "./gallery.ts";
import { fieldProblem } from "./problem.ts";
import { isRunId } from "./run_id.ts";
import type { Uploads } from "./uploads.ts";
import type { CreateRun, OpeningView } from "./wire.ts";

/** What a run begins with; it stays until it is given back. */
export interface Opening extends OpeningKind, Disposable {
  /** Of the file. */
  readonly path: string;
  /** What the file is called where a client reads of it: nobody is to learn its path. */
  readonly name: string;
  /** As clients see it. */
  readonly view: OpeningView;
}

/** Where files come from. */
export interface OpeningSources {
  readonly uploads: Uploads;
  readonly gallery: Gallery;
}

/**
 * What a request wants a run to begin with, if anything.
 *
 * @throws {ProblemError} 422 which names the field.
 */
export function openingOf(request: CreateRun, sources: OpeningSources): Opening | undefined {
  const { image, video, strength } = request;
  if (image !== undefined && video !== undefined) {
    throw fieldProblem(
      "video",
      "A video begins with a picture or with a clip, not with both: leave out one.",
    );
  }
  if (strength !== undefined && video === undefined) {
    throw fieldProblem("strength", "It says how much of a clip is changed: name the clip (video).");
  }
  if (image !== undefined) {
    const view = { kind: "image", id: image } as const;
    return { ...view, view, ...uploadOf(view, sources) };
  }
  if (video === undefined) return undefined;
  const over = strength !== undefined && { strength };
  const view = { kind: "video", id: video, ...over } as const;
  const file = isRunId(video) ? runOf(video, sources) : uploadOf(view, sources);
  return { ...view, view, ...file };
}

function uploadOf({ kind, id }: OpeningView, { uploads }: OpeningSources) {
  const held = uploads.hold(id);
  if (held === undefined) {
    throw fieldProblem(
      kind,
      "There is no such upload: it was removed, or nobody needed it for an hour. Send the file again.",
    );
  }
  return { path: held.path, name: "the upload", [Symbol.dispose]: () => held[Symbol.dispose]() };
}

function runOf(id: string, { gallery }: OpeningSources) {
  if (gallery.get(id) === undefined) {
    throw fieldProblem("video", "The gallery has no such video: it was deleted, or never was.");
  }
  return {
    path: gallery.path(id, "video"),
    name: `sluice-${id}.mp4`,
    [Symbol.dispose]: () => {},
  };
}
