/** From the words of `generate` to a pipeline: which config, with which options, into which file. */
import { join } from "@std/path";
import { UserError } from "../pipeline/errors.ts";
import type { Config, LoadOptions } from "../pipeline/config.ts";
import type { Prompt } from "../pipeline/data.ts";
import type { AnyPlugin } from "../pipeline/plugin.ts";
import type { App } from "./app.ts";
import { configPath } from "./configs.ts";
import { diffusion, optionsOf } from "./diffusion.ts";
import { mistake } from "./failure.ts";
import { freeName } from "./file_name.ts";
import type { PluginFlag } from "./flags.ts";
import { isMadeOver } from "../pipeline/opening.ts";
import { chunksOf, latentsFor, picturesOf } from "../pipeline/pictures.ts";
import { checkMemory } from "./memory.ts";
import { timeline, type TimelineEntry } from "../pipeline/timeline.ts";
import { checkOpening, loaded, openingSettings, withOpening } from "./opening.ts";
import type { Plan } from "./progress.ts";
import { checkPublished } from "./published.ts";
import { readConfig } from "./reference_config.ts";
import { checkTimes } from "./timeline.ts";

/** What the user asked for. */
export interface Request {
  readonly prompt: string;
  /** What takes its place in the course of the video, in any order; what the config says where there is none. */
  readonly later?: readonly TimelineEntry[] | undefined;
  /** What not to show. */
  readonly negative?: string | undefined;
  /** File of a picture that the video begins with. */
  readonly image?: string | undefined;
  /** File of a clip that the video goes on from. */
  readonly video?: string | undefined;
  /** How much of the clip is changed, in place of going on from its end. */
  readonly strength?: number | undefined;
  /** A name or a path. */
  readonly config: string;
  readonly out?: string | undefined;
  readonly seed?: number | undefined;
  /** Pictures; 0 goes on until Ctrl-C. */
  readonly frames?: number | undefined;
  readonly device?: string | undefined;
  readonly threads?: number | undefined;
  /** `stage.option=value` each. */
  readonly set: readonly string[];
  /** Whether to begin even if memory will not do. */
  readonly overcommit?: boolean | undefined;
  /** Values of plugins' flags that were given. */
  readonly flags: readonly (readonly [flag: PluginFlag, value: unknown])[];
}

/** A request made ready to run. */
export interface Ready {
  readonly config: Config;
  readonly plan: Plan;
  /** What the run begins with. */
  readonly prompt: Prompt;
  readonly seed: number;
  readonly out: string;
}

/**
 * Loads the config that a request names and puts the request's own values into it.
 *
 * @throws {UserError} or {ValidationError} which names the flag or the place in the config.
 */
export async function prepare(
  app: App,
  request: Request,
  plugins: readonly AnyPlugin[],
): Promise<Ready> {
  checkRequest(request);
  await checkOpening(request);
  const path = await configPath(app.configs, request.config);
  let set = [...request.set];
  const read = () => readLength(path, { plugins, set }, request.frames);
  let config = await read();
  const change = async (settings: readonly string[]) => {
    if (settings.length === 0) return;
    set = [...set, ...settings];
    config = await read();
  };
  await change(flagSettings(config, request.flags));
  await change(openingSettings(config, request));
  if (request.frames !== undefined) await change([framesSetting(config, request.frames, request)]);
  const own = request.later ?? [];
  const later = own.length > 0 ? own : config.timeline;
  checkTimes(config, later, planOf(config).fps, own.length > 0 ? "--at" : "timeline");
  await checkPublished(config);
  if (!request.overcommit) await checkMemory(loaded(config, request, plugins), request.device);
  const seed = request.seed ?? seedOf(config);
  const out = outputOf(config, request, seed);
  await change([`${outputStage(config)}.path=${JSON.stringify(out)}`]);
  const plan = planOf(config, isOver(config, request));
  const prompt = promptOf(request, later, seed, plan);
  return { config: withOpening(config, request, plugins), plan, prompt, seed, out };
}

/**
 * Reads a config. Where `--frames` is still to say how long the video is, the length that the config has need not fit
 * the other settings: the video is endless until then.
 */
async function readLength(
  path: string,
  options: LoadOptions,
  frames: number | undefined,
): Promise<Config> {
  try {
    return await readConfig(path, options);
  } catch (error) {
    if (frames === undefined || !(error instanceof UserError)) throw error;
    const { plugins, set = [] } = options;
    const found = await readConfig(path, { plugins }).then(diffusion).catch(() => undefined);
    if (!found) throw error;
    const endless = [...set, `${found.place}.latent-frames=0`];
    return await readConfig(path, { plugins, set: endless }).catch(() => Promise.reject(error));
  }
}

function checkRequest({ prompt, seed, frames, threads }: Request): void {
  if (prompt.trim() === "") {
    throw mistake('The prompt is empty: say what to show, such as "a red ball bounces".');
  }
  if (seed !== undefined && (seed < 0 || !Number.isSafeInteger(seed))) {
    throw mistake(
      `--seed: expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${seed}.`,
    );
  }
  if (frames !== undefined && frames < 0) {
    throw mistake(`--frames: expected a number of pictures, or 0 for endless, got ${frames}.`);
  }
  if (threads !== undefined && threads < 1) {
    throw mistake(`--threads: expected at least 1, got ${threads}.`);
  }
}

/** The settings that plugins' flags stand for: one for each stage of the flag's plugin. */
function flagSettings(config: Config, flags: Request["flags"]): string[] {
  return flags.flatMap(([flag, value]) => {
    const stages = config.stages.flatMap(({ spec }, i) =>
      spec.plugin.name === flag.plugin ? [i] : []
    );
    if (stages.length === 0) {
      const names = config.stages.map(({ spec }) => spec.plugin.name).join(", ");
      throw mistake(
        `--${flag.flag} has nothing to set: the pipeline "${config.name}" has no stage ` +
          `"${flag.plugin}", only ${names}.`,
      );
    }
    // An option that may be of several types is read as YAML, as in a config.
    const text = flag.type === "string" && flag.option.type !== "string"
      ? String(value)
      : JSON.stringify(value);
    const targets = stages.length === 1 ? [flag.plugin] : stages;
    return targets.map((target) => `${target}.${flag.option.name}=${text}`);
  });
}

function framesSetting(
  config: Config,
  frames: number,
  { image, video, strength }: Request,
): string {
  const found = diffusion(config);
  if (found === undefined) {
    throw mistake(
      `--frames has nothing to set: no stage of the pipeline "${config.name}" has the options ` +
        "latent-frames and chunk.",
    );
  }
  if (frames === 0 && found.whole) {
    throw mistake(
      `--frames: the pipeline "${config.name}" makes the whole video at once, which has an end: say how many, such ` +
        "as 81.",
    );
  }
  try {
    const given = (image ?? video) !== undefined && strength === undefined;
    return `${found.place}.latent-frames=${latentsFor(frames, found.chunk, { ...found, given })}`;
  } catch (error) {
    if (error instanceof RangeError) throw mistake(`--frames: ${error.message}`);
    throw error;
  }
}

/** The prompt with all that belongs to it. */
function promptOf(
  { prompt: text, negative, image, video, strength }: Request,
  later: readonly TimelineEntry[],
  seed: number,
  { fps }: Plan,
): Prompt {
  const prompt: Prompt = {
    ...{ text, seed },
    ...(negative !== undefined && { negative }),
    ...(image !== undefined && { image }),
    ...(video !== undefined && { video }),
    ...(strength !== undefined && { strength }),
  };
  return timeline(prompt, later, { fps });
}

function seedOf(config: Config): number {
  const seeds = config.stages.map(({ spec }) => optionsOf(spec).seed);
  return seeds.find((seed) => typeof seed === "number") ?? 0;
}

/** Place of the stage that writes the file: the last. */
function outputStage(config: Config): number {
  const place = config.stages.length - 1;
  const last = config.stages[place]?.spec;
  if (last?.gives === "media" && "path" in last.plugin.options.shape) return place;
  throw new UserError(
    `The pipeline "${config.name}" writes no file: its last stage gives ${last?.gives}. ` +
      "Put encode-video at its end.",
  );
}

function outputOf(config: Config, { out, prompt }: Request, seed: number): string {
  if (out === "") throw mistake("--out: expected a file, got an empty text.");
  const last = config.stages[outputStage(config)]?.spec;
  const { path, container } = last ? optionsOf(last) : {};
  const given = out ?? (typeof path === "string" ? path : undefined);
  // Pictures go into a folder of their own.
  const pictures = container === "png";
  if (given !== undefined && (pictures || !isFolder(given))) return given;
  const extension = pictures ? "frames" : typeof container === "string" ? container : "mp4";
  const free = (name: string) => exists(join(given ?? "", name));
  const name = freeName(prompt, seed, extension, free);
  return pictures ? `${name}/` : join(given ?? "", name);
}

/** Whether a path is a folder, or written as one. */
function isFolder(path: string): boolean {
  if (/[/\\]$/.test(path)) return true;
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function exists(name: string): boolean {
  try {
    Deno.lstatSync(name);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether the video is made over a clip. */
function isOver({ stages }: Config, { video, strength }: Request): boolean {
  const specs = stages.map(({ spec }) => spec);
  return video !== undefined && isMadeOver(specs, { kind: "video", strength });
}

/** @param over whether the video is made over a clip, which nobody has read yet: its length is that clip's */
function planOf(config: Config, over = false): Plan {
  const found = diffusion(config);
  const pictures = config.stages.findLast(({ spec }) => spec.gives === "frames");
  const last = config.stages.at(-1)?.spec;
  const fps = last ? optionsOf(last).fps : undefined;
  return {
    stage: (pictures?.spec ?? last)?.plugin.name ?? "",
    fps: typeof fps === "number" ? fps : 16,
    ...(found !== undefined && found.latents > 0 && !over && {
      chunks: chunksOf(found),
      frames: picturesOf(found.latents),
    }),
  };
}
