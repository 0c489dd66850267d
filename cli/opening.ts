/** What a video begins with: `--image` and `--video`, and the stage that they need. */
import type { Config } from "../pipeline/config.ts";
import type { AnyPlugin } from "../pipeline/plugin.ts";
import type { Diffusion } from "../pipeline/pictures.ts";
import { diffusion, optionsOf } from "./diffusion.ts";
import { mistake } from "./failure.ts";
import type { PluginFlag } from "./flags.ts";

/** The plugin whose stage encodes what is given. */
const ENCODER = "encode-picture";

/** Latent frames of a clip that are given at most: 21 pictures. */
const MOST_GIVEN = 6;
/** Latent frames that an endless video is made over at most: 961 pictures, a minute. */
const MOST_OVER = 241;

/** The part of a request that has a say in it. */
export interface OpeningRequest {
  readonly image?: string | undefined;
  readonly video?: string | undefined;
  readonly strength?: number | undefined;
  readonly set: readonly string[];
  readonly flags: readonly (readonly [flag: PluginFlag, value: unknown])[];
}

/** What is given, by the flag that gave it. */
function openingOf({ image, video }: OpeningRequest): { flag: string; path: string } | undefined {
  if (image !== undefined) return { flag: "--image", path: image };
  if (video !== undefined) return { flag: "--video", path: video };
}

/** Refuses a file that is not there, and a strength without one, before anything is loaded. */
export async function checkOpening(request: OpeningRequest): Promise<void> {
  const { strength, video } = request;
  if (strength !== undefined && !(strength > 0 && strength <= 1)) {
    throw mistake(`--strength: expected above 0 and at most 1, such as 0.6, got ${strength}.`);
  }
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
 * The settings that a picture needs: it is the first latent frame, made before the chunks, unless the user
 * says otherwise; then it stands still for a chunk.
 *
 * @throws {UserError} where the pipeline cannot begin with anything
 */
export function openingSettings(config: Config, request: OpeningRequest): string[] {
  const opening = openingOf(request);
  const found = diffusion(config);
  // A stage of the config's own may know a strength.
  if (opening && found?.whole && request.strength === undefined && !hasEncoder(config)) {
    throw mistake(
      `${opening.flag}: the pipeline "${config.name}" makes the whole clip at once and cannot begin with something. ` +
        "Choose one whose network is causal, or make the video over a clip: --video with --strength.",
    );
  }
  if (request.image === undefined || hasEncoder(config)) return [];
  if (!found || !("independentFirstFrame" in found.spec.plugin.options.shape)) return [];
  const option = "independent-first-frame";
  const chosen = request.flags.some(([flag]) => flag.option.name === option) ||
    request.set.some((setting) => setting.includes(`.${option}=`));
  if (chosen || found.alone === 1) return [];
  const settings = [`${found.place}.${option}=true`];
  if (found.latents > 0) settings.push(`${found.place}.latent-frames=${found.latents + 1}`);
  return settings;
}

/** The config with the stage that encodes what is given, if something is and it has none. */
export function withOpening(
  config: Config,
  request: OpeningRequest,
  plugins: readonly AnyPlugin[],
): Config {
  const opening = openingOf(request);
  if (!opening || hasEncoder(config)) return config;
  const found = diffusion(config);
  const plugin = plugins.find(({ name }) => name === ENCODER);
  if (!plugin || found?.spec.takes !== "conditioning") {
    throw mistake(
      `${opening.flag} has nothing to begin: no stage of the pipeline "${config.name}" makes latent frames ` +
        "from a conditioning.",
    );
  }
  const most = request.strength === undefined ? mostGiven(found) : found.latents || MOST_OVER;
  const spec = plugin({ ...autoencoderOf(config), ...sizesOf(found), most, ...rateOf(config) });
  return { ...config, stages: config.stages.toSpliced(found.place, 0, { use: ENCODER, spec }) };
}

/** The stages that such a run loads: the one that encodes loads nothing where nothing is given. */
export function loaded(
  config: Config,
  request: OpeningRequest,
  plugins: readonly AnyPlugin[],
): Config {
  if (openingOf(request)) return withOpening(config, request, plugins);
  const stages = config.stages.filter(({ spec }) => spec.plugin.name !== ENCODER);
  return { ...config, stages };
}

function hasEncoder(config: Config): boolean {
  return config.stages.some(({ spec }) => spec.plugin.name === ENCODER);
}

/** The stage that decodes has the other half of the same network. */
function autoencoderOf(config: Config): Record<string, unknown> {
  const decoder = config.stages.find(({ spec }) => spec.plugin.name === "decode");
  const options = (decoder?.spec.options ?? {}) as Record<string, unknown>;
  const shared = ["network", "weights", "sizes", "device", "threads"];
  return Object.fromEntries(
    shared.flatMap((key) => options[key] === undefined ? [] : [[key, options[key]]]),
  );
}

function sizesOf({ spec, chunk, alone }: Diffusion) {
  const { height, width } = spec.options as Record<string, unknown>;
  return {
    ...(height !== undefined && { height }),
    ...(width !== undefined && { width }),
    chunk,
    independentFirstFrame: alone === 1,
  };
}

/** Latent frames of a clip's end: some of what is remembered is left for what is made, and something must be made. */
function mostGiven({ spec, latents, chunk, alone }: Diffusion): number {
  const { window } = spec.options as Record<string, unknown>;
  const rooms = [window, latents > 0 ? latents : undefined].flatMap((room) =>
    typeof room === "number" ? [Math.floor((room - alone) / chunk - 1) * chunk + alone] : []
  );
  return Math.max(chunk + alone, Math.min(MOST_GIVEN + alone, ...rooms));
}

function rateOf(config: Config): { readonly fps?: number } {
  const last = config.stages.at(-1)?.spec;
  const fps = last && optionsOf(last).fps;
  return typeof fps === "number" ? { fps } : {};
}
