/** What the command line knows of the options of stages: those that count frames. */
import type { Config } from "../pipeline/config.ts";
import type { StageSpec } from "../pipeline/plugin.ts";

/** Options that the command line itself must know of, where a stage has them. */
export interface KnownOptions {
  readonly latentFrames?: unknown;
  readonly chunk?: unknown;
  readonly window?: unknown;
  readonly independentFirstFrame?: unknown;
  readonly seed?: unknown;
  readonly fps?: unknown;
  readonly path?: unknown;
  readonly container?: unknown;
}

/** The options of a stage, as far as they are known here. */
export function optionsOf({ options }: StageSpec): KnownOptions {
  return options as KnownOptions;
}

/** The stage that makes latent frames by the chunk. */
export interface Diffusion {
  /** Among the config's stages. */
  readonly place: number;
  readonly spec: StageSpec;
  /** Latent frames in all; 0 in an endless run. */
  readonly latents: number;
  /** Latent frames made at once. */
  readonly chunk: number;
  /** Latent frames before the first chunk: 1 where the first is a chunk of its own. */
  readonly alone: 0 | 1;
}

/** The config's stage that makes latent frames, if one does. */
export function diffusion(config: Config): Diffusion | undefined {
  for (const [place, { spec }] of config.stages.entries()) {
    const { latentFrames: latents, independentFirstFrame } = optionsOf(spec);
    const chunk = typeof latents === "number" ? chunkOf(spec) : undefined;
    if (typeof latents !== "number" || chunk === undefined) continue;
    return { place, spec, latents, chunk, alone: independentFirstFrame === true ? 1 : 0 };
  }
}

/** Most latent frames a chunk is looked for among. */
const LARGEST_CHUNK = 256;

/**
 * Latent frames of a chunk. Where the option is left out the network decides: then it is the fewest
 * latent frames that the plugin accepts.
 */
function chunkOf(spec: StageSpec): number | undefined {
  const { chunk } = optionsOf(spec);
  if (typeof chunk === "number") return chunk;
  if (!("chunk" in spec.plugin.options.shape)) return undefined;
  const { options: given, plugin } = spec;
  const whole = "independentFirstFrame" in plugin.options.shape && { independentFirstFrame: false };
  for (let latentFrames = 1; latentFrames <= LARGEST_CHUNK; latentFrames++) {
    const options = { ...given as object, ...whole, latentFrames };
    if (plugin.options.safeParse(options).success) return latentFrames;
  }
}
