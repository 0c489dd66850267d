/** From what the form says to what the API takes, and back. */
import type {
  CreateRun,
  FieldError,
  PipelineView,
  PluginView,
  RunView,
  TimelineEntry,
} from "../../server/wire.ts";
import { type FormOpening, openingOf, requestOf } from "./opening.ts";
import { controlsOf, type OptionControl, readControl, showValue } from "./controls.ts";

/** What the form says. */
export interface FormState {
  readonly prompt: string;
  readonly pipeline: string;
  /** Empty: drawn anew for each run. */
  readonly seed: string;
  readonly extend: boolean;
  /** The extended prompt where it was edited: then this is what the run is made of. */
  readonly edited: string | undefined;
  /** What was written into options, by `plugin.option`. */
  readonly texts: Readonly<Record<string, string>>;
  /** Pictures in all, 0 endless; absent: as the pipeline says. */
  readonly frames: number | undefined;
  /** What the video begins with or is made over. */
  readonly opening: FormOpening | undefined;
  /** Prompts that begin in the course of the video. */
  readonly later: readonly LaterText[];
}

/** A prompt for later, as it was written. */
export interface LaterText {
  /** Seconds of the video. */
  readonly at: string;
  readonly prompt: string;
}

/** Messages by field, in the API's own names of fields. */
export type FieldErrors = Readonly<Record<string, string>>;

/**
 * Options that have a field of their own on the page, or that only a pipeline's file may set: the server
 * refuses those.
 */
const NOT_HERE: ReadonlySet<string> = new Set([
  ...["latent-frames", "seed"],
  ...["path", "profile", "cache-directory", "api-key-env", "weights", "tokenizer", "endpoint"],
  ...[
    "sizes",
    "lora",
    "fragmented",
    "container",
    "overwrite",
    "label",
    "metadata",
    "loop",
    "quality",
  ],
]);

/** Most characters of a prompt. */
export const LONGEST_PROMPT = 20_000;

/** The options of a plugin that one run may set. */
export function runControls(plugin: PluginView | undefined): OptionControl[] {
  return plugin === undefined
    ? []
    : controlsOf(plugin.options).filter(({ key }) => !NOT_HERE.has(key));
}

/** The request, or what is wrong with the form. */
export function buildRequest(
  form: FormState,
  plugins: readonly PluginView[],
): { readonly request?: CreateRun; readonly errors: FieldErrors } {
  const errors: Record<string, string> = {};
  const prompt = (form.edited ?? form.prompt).trim();
  if (prompt === "") {
    errors.prompt = "Say what to show, such as: a red ball bounces on a green floor.";
  }
  if (prompt.length > LONGEST_PROMPT) {
    errors.prompt = `Expected at most ${LONGEST_PROMPT} characters, got ${prompt.length}.`;
  }
  const seed = readSeed(form.seed);
  if (seed === "wrong") {
    errors.seed = "Expected a whole number from 0, or nothing for a seed that is drawn.";
  }
  const options: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(form.texts)) {
    const [name, option] = key.split(".");
    const plugin = plugins.find((each) => each.name === name);
    const control = runControls(plugin).find((each) => each.key === option)?.control;
    const { value, error } = readControl(control ?? { kind: "data" }, text);
    if (error !== undefined) errors[`options.${key}`] = error;
    else if (value !== undefined) options[key] = value;
  }
  const timeline = readLater(form.later, errors);
  if (Object.keys(errors).length > 0) return { errors };
  return {
    errors,
    request: {
      prompt,
      pipeline: form.pipeline,
      extend: form.extend && form.edited === undefined,
      ...(typeof seed === "number" && { seed }),
      ...(Object.keys(options).length > 0 && { options }),
      ...(form.frames !== undefined && { frames: form.frames }),
      ...requestOf(form.opening),
      ...(timeline.length > 0 && { timeline }),
    },
  };
}

/** Prompts for later, without rows that are empty; what is wrong goes into `errors`. */
function readLater(rows: readonly LaterText[], errors: Record<string, string>): TimelineEntry[] {
  return rows.filter(({ at, prompt }) => `${at}${prompt}`.trim() !== "").map((row, i) => {
    const [at, prompt] = [Number(row.at.trim().replace(/ ?s$/, "")), row.prompt.trim()];
    if (row.at.trim() === "" || !(at > 0)) {
      errors[`timeline.${i}.at`] = "Expected seconds above 0, such as 2.5.";
    } else if (prompt === "") errors[`timeline.${i}.prompt`] = "Say what to show from there on.";
    return { at, prompt };
  });
}

/** A seed as it was written; nothing where none was. */
function readSeed(text: string): number | "wrong" | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const seed = Number(trimmed);
  return /^\d+$/.test(trimmed) && Number.isSafeInteger(seed) ? seed : "wrong";
}

/** The form that makes a run again. */
export function formOf(run: RunView): FormState {
  return {
    prompt: run.prompts[0]?.text ?? run.prompt,
    pipeline: run.pipeline,
    seed: String(run.seed),
    extend: run.extend,
    edited: undefined,
    texts: Object.fromEntries(
      Object.entries(run.options).map(([key, value]) => [key, showValue(value)]),
    ),
    frames: run.framesAsked,
    opening: run.opening && openingOf(run.opening),
    later: (run.timeline ?? []).map(({ at, prompt }) => ({ at: String(at), prompt })),
  };
}

/** Messages of wrong fields; several of one field are its lines, each with its place. */
export function messagesByField(fields: readonly FieldError[]): FieldErrors {
  const lines = new Map<string, string[]>();
  for (const { field, line, key, message } of fields) {
    const place = `${line === undefined ? "" : `line ${line}: `}${
      key === undefined ? "" : `${key}: `
    }`;
    lines.set(field, [...lines.get(field) ?? [], place + message]);
  }
  return Object.fromEntries([...lines].map(([field, each]) => [field, each.join("\n")]));
}

/** The message for a field, or for something within it. */
export function errorOf(errors: FieldErrors, field: string): string | undefined {
  const found = Object.keys(errors).find((key) => key === field || key.startsWith(`${field}.`));
  return found === undefined ? undefined : errors[found];
}

/** How a pipeline extends prompts: not, at once, or by asking a language model. */
export function extensionOf(
  pipeline: PipelineView | undefined,
  texts: Readonly<Record<string, string>>,
): "none" | "quick" | "slow" {
  const stage = pipeline?.stages.find(({ takes, gives }) =>
    takes === "prompt" && gives === "prompt"
  );
  if (stage === undefined) return "none";
  const provider = texts[`${stage.plugin}.provider`] ?? stage.options.provider;
  if (provider === "none") return "none";
  return provider === "openai" ? "slow" : "quick";
}
