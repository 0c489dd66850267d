/** What a video begins with: `--image` and `--video`, and the stage that they need. */
import type { Config, ConfigStage } from "../pipeline/config.ts";
import { toKebab } from "../pipeline/names.ts";
import {
  isEncoder,
  openingChange,
  type OpeningKind,
  refuseOpening,
  refuseStrength,
  withEncoder,
} from "../pipeline/opening.ts";
import type { AnyPlugin, StageSpec } from "../pipeline/plugin.ts";
import { mistake } from "./failure.ts";
import type { PluginFlag } from "./flags.ts";

/** The part of a request that has a say in it. */
export interface OpeningRequest {
  readonly image?: string | undefined;
  readonly video?: string | undefined;
  readonly strength?: number | undefined;
  readonly set: readonly string[];
  readonly flags: readonly (readonly [flag: PluginFlag, value: unknown])[];
}

/** What is given, and the flag that gave it. */
interface Opening extends OpeningKind {
  readonly flag: string;
  readonly path: string;
}

function openingOf({ image, video, strength }: OpeningRequest): Opening | undefined {
  if (image !== undefined) return { kind: "image", flag: "--image", path: image };
  if (video !== undefined) return { kind: "video", flag: "--video", path: video, strength };
}

/** Refuses a file that is not there, and a strength without one, before anything is loaded. */
export async function checkOpening(request: OpeningRequest): Promise<void> {
  const { strength, video } = request;
  const wrong = strength === undefined ? undefined : refuseStrength(strength);
  if (wrong !== undefined) throw mistake(`--strength: ${wrong}`);
  if (strength !== undefined && video === undefined) {
    throw mistake("--strength says how much of a clip is changed: name the clip by --video.");
  }
  const opening = openingOf(request);
  if (!opening) return;
  const { flag, path } = opening;
  try {
    if ((await Deno.stat(path)).isFile) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw mistake(`${flag}: there is no file ${path}.`);
    throw mistake(`${flag}: cannot read ${path}: ${(error as Error).message}`);
  }
  throw mistake(`${flag}: ${path} is no file.`);
}

/**
 * The settings that a picture needs, unless the user says otherwise; then it stands still for a chunk.
 *
 * @throws {UserError} where the pipeline cannot begin with anything
 */
export function openingSettings(config: Config, request: OpeningRequest): string[] {
  const opening = openingOf(request);
  if (!opening) return [];
  const stages = specsOf(config);
  const reason = refuseOpening(config.name, stages, opening);
  if (reason !== undefined) throw mistake(`${opening.flag}: ${reason}`);
  const option = "independent-first-frame";
  const chosen = request.flags.some(([flag]) => flag.option.name === option) ||
    request.set.some((setting) => setting.includes(`.${option}=`));
  const change = chosen ? undefined : openingChange(stages, opening);
  return Object.entries(change?.options ?? {}).map(([key, value]) =>
    `${change?.place}.${toKebab(key)}=${value}`
  );
}

/** The config with the stage that encodes what is given, if something is and it has none. */
export function withOpening(
  config: Config,
  request: OpeningRequest,
  plugins: readonly AnyPlugin[],
): Config {
  const opening = openingOf(request);
  if (!opening) return config;
  const specs = withEncoder(specsOf(config), opening, plugins);
  const stages = specs.map((spec): ConfigStage =>
    config.stages.find((stage) => stage.spec === spec) ?? { use: spec.plugin.name, spec }
  );
  return { ...config, stages };
}

/** The stages that such a run loads: the one that encodes loads nothing where nothing is given. */
export function loaded(
  config: Config,
  request: OpeningRequest,
  plugins: readonly AnyPlugin[],
): Config {
  if (openingOf(request)) return withOpening(config, request, plugins);
  return { ...config, stages: config.stages.filter(({ spec }) => !isEncoder(spec)) };
}

function specsOf({ stages }: Config): StageSpec[] {
  return stages.map(({ spec }) => spec);
}
