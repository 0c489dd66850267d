/** What a video begins with, as the form has it. */
import type {
  CreateRun,
  OpeningView,
  PipelineView,
  RunView,
  UploadView,
} from "../../server/wire.ts";
import { formatCount, formatSeconds } from "./format.ts";

/** A picture, or a clip. */
export interface FormOpening extends OpeningView {
  /** Address of its first picture. */
  readonly poster: string;
  /** What it is called. */
  readonly label: string;
  /** Its size or length; empty where that is not known. */
  readonly detail: string;
}

/** Bytes of a file at most: the server takes no more. */
export const LARGEST_FILE = 64 * 2 ** 20;

/** How much of a clip is changed, where nobody has said it yet. */
export const USUAL_STRENGTH = 0.6;

/** Why a file cannot be sent, if so. */
export function refuseFile({ name, type, size }: Pick<File, "name" | "type" | "size">) {
  if (!/^(image|video)\//.test(type)) {
    return `${name} is no picture and no clip: choose a PNG, JPEG or WebP file, or an MP4, WebM or GIF file.`;
  }
  if (size > LARGEST_FILE) {
    return `${name} has ${Math.ceil(size / 2 ** 20)} MiB: expected at most ${
      LARGEST_FILE / 2 ** 20
    }. Cut or shrink it.`;
  }
  return undefined;
}

/** Whether a pipeline has a stage that can be given something to begin with. */
export function canBegin(pipeline: PipelineView | undefined): boolean {
  return pipeline?.stages.some(({ takes, gives }) =>
    takes === "conditioning" && gives === "latents"
  ) ?? false;
}

/** A file that was sent. */
export function openingOfUpload(upload: UploadView, label: string): FormOpening {
  const { id, kind, width, height, seconds, poster } = upload;
  const size = `${width} × ${height}`;
  const detail = seconds > 0 ? `${size}, ${formatSeconds(seconds)}` : size;
  return { id, kind, poster, label, detail };
}

/** A video of the gallery, to go on from. */
export function openingOfRun({ id, prompt, frames, fps }: RunView): FormOpening {
  const detail = `${formatSeconds(frames / fps)}, ${formatCount(frames, "picture")}`;
  return { id, kind: "video", poster: posterOf(id), label: prompt, detail };
}

/** What an earlier run began with. */
export function openingOf(view: OpeningView): FormOpening {
  const label = view.kind === "image" ? "A picture" : "A clip";
  return { ...view, poster: posterOf(view.id), label, detail: "" };
}

/** Whether it is a file that was sent, rather than a video of the gallery. */
export function isUpload({ id }: Pick<OpeningView, "id">): boolean {
  return id.startsWith("u-");
}

/** What a request says of it. */
export function requestOf(
  opening: FormOpening | undefined,
): Pick<CreateRun, "image" | "video" | "strength"> {
  if (opening === undefined) return {};
  const { kind, id, strength } = opening;
  return { [kind]: id, ...(kind === "video" && strength !== undefined && { strength }) };
}

function posterOf(id: string): string {
  return isUpload({ id }) ? `/api/uploads/${id}/poster` : `/api/runs/${id}/poster`;
}
