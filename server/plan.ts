/** From a request to stages that can be opened. */
import { refuseTimes, type TimedPipeline } from "../pipeline/check_times.ts";
import { type Config, describeConfig, formatConfig } from "../pipeline/config.ts";
import { chooseOptions, OptionsError } from "../pipeline/define.ts";
import { UserError } from "../pipeline/errors.ts";
import {
  isMadeOver,
  openingChange,
  type OpeningKind,
  refuseOpening,
  withEncoder,
} from "../pipeline/opening.ts";
import type { AnyPlugin, StageSpec } from "../pipeline/plugin.ts";
import { suggestName } from "../pipeline/names.ts";
import { refuseOption } from "./guard.ts";
import { chunksOf, findDiffusion, latentsFor, picturesOf } from "../pipeline/pictures.ts";
import { formatTime, timeline as joinTimeline, type TimelineEntry } from "../pipeline/timeline.ts";
import { fieldProblem, ProblemError } from "./problem.ts";
import type { CreateRun, FieldError } from "./wire.ts";

/** A run that can begin. */
export interface Plan {
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** The pipeline's stages as the run uses them; the last gives a stream of MP4. */
  readonly stages: readonly StageSpec[];
  /** What the video begins with, if anything. */
  readonly opening: OpeningKind | undefined;
  /** The pipeline with every option in effect, as YAML. */
  readonly config: string;
  readonly device: string | undefined;
  readonly seed: number;
  /** Prompts that take the place of the first in the course of the video. */
  readonly timeline: readonly TimelineEntry[];
  /** Pictures in all; null where that is not known or there is no end. */
  readonly framesTotal: number | null;
  readonly chunksTotal: number | null;
  readonly endless: boolean;
  /** Pictures a second of the video. */
  readonly fps: number;
}

/** What a video begins with, and the plugins among which is the one that encodes it. */
export interface Given {
  readonly opening: OpeningKind;
  readonly plugins: readonly AnyPlugin[];
}

/** Of the option that `frames` is turned into. */
const LENGTH = "latent-frames";

/** Seeds drawn here are short enough to read out. */
const SEEDS = 2 ** 31;

/**
 * Plans a run.
 *
 * @throws {ProblemError} which names the fields that are wrong.
 */
export function planRun(config: Config, request: CreateRun, given?: Given): Plan {
  let stages = chooseStages(config, request);
  if (given !== undefined) stages = withOpening(config.name, stages, request, given.opening);
  if (request.frames !== undefined) {
    const goesOn = given !== undefined && given.opening.strength === undefined;
    stages = withFrames(stages, request.frames, goesOn);
  }
  if (request.extend === false) stages = stages.map(withoutExtension);
  checkEnds(config.name, stages);
  const uses = new Map(stages.map((spec, i) => [spec, config.stages[i]!.use]));
  const { opening, plugins = [] } = given ?? {};
  if (opening !== undefined) stages = [...withEncoder(stages, opening, plugins)];
  const found = findDiffusion(stages);
  // Made over a clip, a video is as long as that, which nobody has read yet.
  const over = opening !== undefined && isMadeOver(stages, opening);
  const endless = found?.latents === 0 && !over;
  const known = found !== undefined && !endless && !over;
  const { fps: rate } = stages.at(-1)?.options as { fps?: unknown };
  const fps = typeof rate === "number" ? rate : 16;
  const timeline = request.timeline ?? config.timeline;
  checkTimeline(timeline, { name: config.name, stages, fps, longer: "frames" });
  const chosen = {
    ...config,
    timeline,
    stages: stages.map((spec) => ({ use: uses.get(spec) ?? spec.plugin.name, spec })),
  };
  return {
    pipeline: config.name,
    stages: streaming(stages, config.name),
    opening,
    config: formatConfig(chosen),
    device: config.device,
    seed: request.seed ?? Math.floor(Math.random() * SEEDS),
    timeline,
    framesTotal: known ? picturesOf(found.latents) : null,
    chunksTotal: known ? chunksOf(found) ?? null : null,
    endless,
    fps,
  };
}

/** The stages with the request's overrides. */
function chooseStages(
  config: Config,
  { options: overrides = {}, frames }: CreateRun,
): StageSpec[] {
  const names = config.stages.map(({ spec }) => spec.plugin.name);
  const changed = describeConfig(config).stages.map((stage) => ({ ...stage.with }));
  const touched = new Set<number>();
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(overrides)) {
    const [target = "", ...path] = key.split(".");
    const place = placeOf(target, names);
    const reason = typeof place === "string" ? place : refuseOption(path, value, "run");
    if (reason !== undefined || typeof place === "string") {
      errors.push({ field: `options.${key}`, message: reason ?? "" });
      continue;
    }
    touched.add(place);
    changed[place] = withValue(changed[place] ?? {}, path, value);
  }
  const stages = config.stages.map(({ spec }, i) => {
    if (!touched.has(i)) return spec;
    const { [LENGTH]: length, ...rest } = changed[i] ?? {};
    try {
      return chooseOptions(spec.plugin, changed[i], true);
    } catch (error) {
      // Where the request says how long the video is, the length that the pipeline has need not fit the options.
      const endless = frames !== undefined && length !== undefined && { ...rest, [LENGTH]: 0 };
      const found = endless && tryOptions(spec.plugin, endless);
      if (found) return found;
      if (!(error instanceof OptionsError)) throw error;
      for (const { path, reason } of error.problems) {
        const field = ["options", names[i], ...path.map(String)].join(".");
        errors.push({ field, message: reason });
      }
      return spec;
    }
  });
  if (errors.length === 0) return stages;
  const detail = errors.slice(0, 3).map(({ field, message }) => `${field}: ${message}`).join(" ");
  throw new ProblemError("validation", detail, { errors });
}

function tryOptions(plugin: AnyPlugin, options: unknown): StageSpec | undefined {
  try {
    return chooseOptions(plugin, options, true);
  } catch {
    return undefined;
  }
}

/** The stage that an override means, by its plugin's name or its place; or why there is none. */
function placeOf(target: string, names: readonly string[]): number | string {
  if (/^\d+$/.test(target) && Number(target) < names.length) return Number(target);
  const found = names.flatMap((name, i) => name === target ? [i] : []);
  if (found.length > 1) {
    return `Several stages are called so: write ${found.join(" or ")} in place of the name.`;
  }
  return found[0] ?? `The pipeline has no such stage.${suggestName(target, names)}`;
}

function withValue(
  options: Readonly<Record<string, unknown>>,
  [key = "", ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...options, [key]: value };
  const inner = Object.hasOwn(options, key) ? options[key] : undefined;
  const object = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : {};
  return { ...options, [key]: withValue(object as Record<string, unknown>, rest, value) };
}

/** The stages as what they begin with needs them, unless the request says otherwise. */
function withOpening(
  name: string,
  stages: StageSpec[],
  { options = {} }: CreateRun,
  opening: OpeningKind,
): StageSpec[] {
  const reason = refuseOpening(name, stages, opening);
  if (reason !== undefined) throw fieldProblem(opening.kind, sentence(reason));
  const chosen = Object.keys(options).some((key) => key.endsWith(".independent-first-frame"));
  const change = chosen ? undefined : openingChange(stages, opening);
  return change === undefined
    ? stages
    : stages.map((spec, i) => i === change.place ? choose(spec, change.options) : spec);
}

/** Refuses prompts that the video has no chunk for, and two for the same. */
function checkTimeline(later: readonly TimelineEntry[], pipeline: TimedPipeline): void {
  const problem = refuseTimes(later, pipeline);
  if (problem !== undefined) {
    const { at, reason } = problem;
    throw fieldProblem(
      "timeline",
      at === undefined ? sentence(reason) : `${formatTime(at)}: ${reason}`,
    );
  }
  try {
    joinTimeline({ text: "" }, later, pipeline);
  } catch (error) {
    throw error instanceof UserError ? fieldProblem("timeline", error.message) : error;
  }
}

function sentence(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}

/** The stages with a length. @param given whether the video goes on from something */
function withFrames(stages: readonly StageSpec[], frames: number, given: boolean): StageSpec[] {
  const found = findDiffusion(stages);
  if (found === undefined) {
    throw fieldProblem("frames", "The pipeline has no stage whose number of pictures can be set.");
  }
  try {
    const latentFrames = latentsFor(frames, found.chunk, { ...found, given });
    return stages.map((spec, i) => i === found.place ? choose(spec, { latentFrames }) : spec);
  } catch (error) {
    if (error instanceof RangeError) throw fieldProblem("frames", error.message);
    if (!(error instanceof OptionsError)) throw error;
    throw fieldProblem("frames", error.problems.map(({ reason }) => reason).join(" "));
  }
}

/** A stage with some options changed, spelt as in code. */
function choose(
  { plugin, options }: StageSpec,
  change: Readonly<Record<string, unknown>>,
): StageSpec {
  const merged = Object.entries({ ...options as object, ...change });
  const given = merged.filter(([, value]) => value !== undefined);
  return chooseOptions(plugin, Object.fromEntries(given), false);
}

function withoutExtension(spec: StageSpec): StageSpec {
  return spec.plugin.name === "extend-prompt" ? choose(spec, { provider: "none" }) : spec;
}

function checkEnds(name: string, stages: readonly StageSpec[]): void {
  const [takes, gives] = [stages[0]?.takes, stages.at(-1)?.gives];
  if (takes === "prompt" && gives === "media") return;
  throw fieldProblem(
    "pipeline",
    `The pipeline "${name}" goes from ${takes} to ${gives}: expected from prompt to media. ` +
      "Begin it with a stage that takes prompts and put encode-video at its end.",
  );
}

/** The stages with the last one giving a stream of MP4, wherever its config would have it write. */
function streaming(stages: readonly StageSpec[], label: string): StageSpec[] {
  return stages.map((spec, i) => {
    const { shape } = spec.plugin.options;
    if (i < stages.length - 1 || !("path" in shape && "container" in shape)) return spec;
    const { codec, ...options } = spec.options as Record<string, unknown>;
    return choose({ ...spec, options }, {
      path: undefined,
      fragmented: undefined,
      container: "mp4",
      // What browsers play everywhere.
      codec: codec === "av1" || codec === "vp9" ? codec : "h264",
      ...("label" in shape && { label: options.label ?? label }),
    });
  });
}
