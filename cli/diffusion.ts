/** What the command line knows of the options of stages: those that count frames. */
import type { Config } from "../pipeline/config.ts";
import { type Diffusion, findDiffusion } from "../pipeline/pictures.ts";
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

/** The config's stage that makes latent frames, if one does. */
export function diffusion(config: Config): Diffusion | undefined {
  return findDiffusion(config.stages.map(({ spec }) => spec));
}
