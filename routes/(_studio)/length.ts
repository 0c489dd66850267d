/** How long a video becomes, in chunks and in pictures. */
import type { PipelineView } from "../../server/wire.ts";
import type { FormState } from "./request.ts";

/** How long a video of a pipeline can be. */
export interface LengthChoice {
  /** Pictures from one chunk to the next. */
  readonly perChunk: number;
  /** Pictures there would be; 0 endless. */
  readonly frames: number;
  /** Chunks of that many, or of the last length that was not endless. */
  readonly chunks: number;
  /** Whether a picture stands before the first chunk. */
  readonly alone: boolean;
}

/** What of a form has a say in its length. */
type LengthForm = Pick<FormState, "frames" | "texts" | "opening">;

/** Pictures that a decoder, causal in time, gives less than four a latent frame. */
const FIRST_SHORT = 3;

/** Pictures of a video that is given an end again. */
const USUAL = 81;

/** Of the option by which a latent frame stands before the first chunk. */
const ALONE = "independent-first-frame";

/** Length of a run as the form has it; nothing where the pipeline does not say. */
export function lengthOf(
  pipeline: PipelineView | undefined,
  form: LengthForm,
): LengthChoice | undefined {
  if (pipeline?.framesPerChunk == null || pipeline.frames === null) return undefined;
  const { frames, texts } = form;
  const chunk = Number(texts[`${makerOf(pipeline)?.plugin}.chunk`] ?? "");
  const perChunk = Number.isInteger(chunk) && chunk > 0 ? chunk * 4 : pipeline.framesPerChunk;
  const alone = isAlone(pipeline, form);
  // What the pipeline says is meant without what the form begins with.
  const counted = frames === undefined
    ? isAlone(pipeline, { texts: {}, opening: undefined })
    : alone;
  const count = frames ?? pipeline.frames;
  const shown = count === 0 ? USUAL : count;
  const chunks = Math.max(1, Math.round((shown - framesOf(0, perChunk, counted)) / perChunk));
  return { perChunk, frames: count === 0 ? 0 : framesOf(chunks, perChunk, alone), chunks, alone };
}

/** Pictures of a number of chunks. */
export function framesOf(chunks: number, perChunk: number, alone = false): number {
  return chunks * perChunk + (alone ? 1 : -FIRST_SHORT);
}

/** The form after a change, as many chunks long as before: a picture before the first chunk is one more. */
export function withChange(
  pipeline: PipelineView | undefined,
  form: FormState,
  change: Partial<FormState>,
): FormState {
  const changed = { ...form, ...change };
  if ("frames" in change || !changed.frames) return changed;
  const [before, after] = [lengthOf(pipeline, form), lengthOf(pipeline, changed)];
  if (before === undefined || after === undefined || before.alone === after.alone) return changed;
  return { ...changed, frames: framesOf(before.chunks, before.perChunk, after.alone) };
}

function makerOf(pipeline: PipelineView) {
  return pipeline.stages.find(({ options }) => "latent-frames" in options);
}

/** Whether a latent frame stands before the first chunk: by the options, or since it is the picture that is given. */
function isAlone(
  pipeline: PipelineView,
  { texts, opening }: Pick<FormState, "texts" | "opening">,
): boolean {
  const maker = makerOf(pipeline);
  const written = texts[`${maker?.plugin}.${ALONE}`];
  if (written !== undefined) return written === "true";
  const standard = maker?.options[ALONE];
  if (typeof standard !== "boolean") return false;
  const encodes = pipeline.stages.some(({ plugin }) => plugin === "encode-picture");
  return standard || (opening?.kind === "image" && !encodes);
}
