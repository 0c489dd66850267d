import { z } from "zod";
import { checkRunLength } from "../../engine/diffusion/chunks.ts";
import { checkWindow } from "../../engine/diffusion/ring.ts";
import type { MultiStepSolver } from "../../engine/diffusion/multi_step.ts";
import type { WanConfig } from "../../engine/networks/mod.ts";
import { type DiffusionModel, diffusionModels, namesOf } from "../_models.ts";
import { precisionOption } from "../_precision.ts";

const whole = z.number().int().positive();
const count = z.number().int().min(0);

/** Sizes of a Wan that has no name here. */
const sizes = z.object({
  dim: whole,
  ffnDim: whole,
  numHeads: whole,
  numLayers: whole,
  freqDim: whole,
  textDim: whole,
  textLen: whole,
  inDim: whole,
  outDim: whole,
  eps: z.number().positive(),
});

/** A file of a LoRA, with how much of it. */
const lora = z.object({
  path: z.string().min(1),
  scale: z.number().min(-10).max(10).default(1),
});

/** What `diffuse` can be told. What is left out is what the network was made for. */
export const diffuseOptions = z.object({
  network: z.enum(namesOf(diffusionModels)).default("embedded").describe(
    "Diffusion transformer by name",
  ),
  weights: z.string().min(1).optional().describe(
    "Its weights: .safetensors, or .pt with #key, such as self_forcing_dmd.pt#generator_ema; the embedded network has its own",
  ),
  lora: z.union([z.string().min(1), z.array(z.union([z.string().min(1), lora]))]).optional()
    .describe(
      "LoRAs to merge into the weights: a file, or a list such as [{ path: style.safetensors, scale: 0.8 }]",
    ),
  sizes: sizes.partial().optional().describe("Sizes that differ from the named network's"),
  latentFrames: count.default(21).describe(
    "Latent frames in all: n give 4n − 3 pictures, 21 give 81; 0 = endless, for causal networks",
  ),
  chunk: whole.optional().describe("Causal networks: latent frames made at once"),
  window: whole.optional().describe(
    "Causal networks: latent frames of KV cache, what a chunk sees, itself included",
  ),
  sink: count.optional().describe(
    "Causal networks: latent frames at the beginning that the cache never forgets",
  ),
  independentFirstFrame: z.boolean().default(false).describe(
    "Causal networks: make the first latent frame a chunk of its own, as those made for image-to-video do",
  ),
  sampler: z.enum(["few-step", "unipc", "dpmpp"]).optional().describe(
    "few-step for distilled networks; unipc or dpmpp, in many steps, for those that are not. By default what the network was made for",
  ),
  steps: z.union([
    z.array(z.number().min(0).max(1000)).min(1),
    z.number().int().min(1).max(1000),
  ]).optional().describe(
    "few-step: its steps, falling from 1000, as [1000, 750, 500, 250]; unipc, dpmpp: how many",
  ),
  warpSteps: z.boolean().optional().describe(
    "few-step: shift the steps as the schedule's timesteps are",
  ),
  guidance: z.number().min(0).max(100).optional().describe(
    "unipc, dpmpp: how far beyond the negative prompt to go; 1 leaves it out, at half the cost",
  ),
  shift: z.number().positive().max(100).optional().describe("Shift of the flow-matching schedule"),
  contextNoise: z.number().min(0).max(1000).optional().describe(
    "Causal networks: timestep at which finished chunks enter the cache",
  ),
  recache: z.boolean().default(false).describe(
    "Causal networks: run what the cache holds once more when the prompt changes: faster change, one pass a chunk",
  ),
  height: whole.optional().describe("Height of the pictures in pixels"),
  width: whole.optional().describe("Width of the pictures in pixels"),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe(
    "Seed of the noise, where the prompt has none",
  ),
  noise: z.enum(["philox", "mt19937"]).default("philox").describe(
    "Generator of the noise: as torch.randn draws on CUDA, or on a CPU",
  ),
  attention: z.enum(["auto", "fused", "composed"]).default("auto").describe(
    "Attention by the runtime's kernel or by plain products; auto tries the kernel first",
  ),
  precision: precisionOption,
  device: z.string().optional().describe("Device of this stage, where it is not the pipeline's"),
  threads: z.number().int().min(1).max(256).optional().describe(
    "Threads on the CPU; by default half of the pipeline's, since decoding goes on beside",
  ),
  profile: z.string().min(1).optional().describe(
    "Write ONNX Runtime's profile of this stage to a JSON file of this prefix",
  ),
}).superRefine((options, context) => {
  const run = effective(options);
  const { chunk, window, sink, height, width, spatialFactor } = run;
  const refuse = (key: string, message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
  const attempt = (key: string, check: () => void) => {
    try {
      check();
      return true;
    } catch (error) {
      refuse(key, (error as Error).message);
      return false;
    }
  };
  if (run.kind === "bidirectional") checkClip(options, refuse);
  else {
    const tight = chunk <= window && options.sink !== undefined ? "sink" : "window";
    if (attempt(tight, () => checkWindow({ window, sink, chunk }))) {
      attempt("latentFrames", () => checkRunLength(run));
    }
  }
  const token = spatialFactor * 2;
  for (const [key, pixels] of [["height", height], ["width", width]] as const) {
    if (pixels % token !== 0) {
      refuse(key, `expected a multiple of ${token} pixels, got ${pixels}`);
    }
  }
  checkSampling(options, run, refuse);
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type DiffuseSchema = typeof diffuseOptions;

/** What `diffuse` was told, checked. */
export type DiffuseOptions = z.output<typeof diffuseOptions>;

/** Options of causal networks alone. */
const causalKeys = [
  "chunk",
  "window",
  "sink",
  "independentFirstFrame",
  "contextNoise",
  "recache",
] as const satisfies readonly (keyof DiffuseOptions)[];

/** Refuses what does not apply where a whole clip is made at once. */
function checkClip(
  options: DiffuseOptions,
  refuse: (key: string, message: string) => void,
): void {
  const whole = `the network "${options.network}" makes the whole clip at once`;
  for (const key of causalKeys) {
    const value = options[key];
    if (value === undefined || value === false) continue;
    refuse(
      key,
      `expected nothing, since ${whole} (causal networks have it: ${causalNames}), got ${value}`,
    );
  }
  if (options.latentFrames === 0) {
    refuse(
      "latentFrames",
      `expected how many, such as 21 for 81 pictures, since ${whole} (causal networks go on without end: ` +
        `${causalNames}), got 0`,
    );
  }
}

const causalNames = Object.entries(diffusionModels).filter(([, { kind }]) => kind === "causal")
  .map(([name]) => name).join(", ");

/** Refuses steps and a guidance that the sampler does not take. */
function checkSampling(
  { network, guidance }: DiffuseOptions,
  { sampler, steps, warpSteps }: EffectiveOptions,
  refuse: (key: string, message: string) => void,
): void {
  if (sampler !== "few-step") {
    if (typeof steps !== "number") {
      refuse("steps", `expected how many steps ${sampler} takes, such as 50, got [${steps}]`);
    }
    return;
  }
  if (typeof steps === "number") {
    refuse(
      "steps",
      `expected a list of falling numbers such as [1000, 750, 500, 250] (a count is for the samplers ` +
        `unipc and dpmpp), got ${steps}`,
    );
  } else if (steps.length === 0) {
    refuse(
      "steps",
      `expected falling numbers such as [1000, 750, 500, 250], got nothing: the network "${network}" was ` +
        `made for no steps of its own (the samplers unipc and dpmpp need none)`,
    );
  } else if (steps.some((step, i) => i > 0 && step >= steps[i - 1]!)) {
    refuse("steps", `expected falling numbers such as [1000, 750, 500, 250], got [${steps}]`);
  } else if (warpSteps && !steps.every(Number.isSafeInteger)) {
    refuse(
      "steps",
      `expected whole numbers such as [1000, 750, 500, 250], since with warp-steps they count the schedule's own steps ` +
        `(warp-steps: false takes them as timesteps), got [${steps}]`,
    );
  }
  if (guidance !== undefined && guidance !== 1) {
    refuse(
      "guidance",
      `expected 1 or nothing with the few-step sampler, whose networks have their guidance built in ` +
        `(the samplers unipc and dpmpp take more), got ${guidance}`,
    );
  }
}

/** The LoRAs that options name, in their order. */
export function lorasOf({ lora = [] }: DiffuseOptions): { path: string; scale: number }[] {
  const list = typeof lora === "string" ? [lora] : lora;
  return list.map((each) => typeof each === "string" ? { path: each, scale: 1 } : each);
}

/** The options with what the network was made for filled in. */
export interface EffectiveOptions {
  readonly kind: DiffusionModel["kind"];
  readonly sizes: WanConfig;
  /** The network's own. */
  readonly weights?: URL;
  readonly height: number;
  readonly width: number;
  readonly spatialFactor: number;
  readonly latentFrames: number;
  /** All latent frames where the whole clip is made at once, and `window` too. */
  readonly chunk: number;
  readonly window: number;
  readonly sink: number;
  readonly contextNoise: number;
  readonly independentFirstFrame: boolean;
  readonly recache: boolean;
  readonly sampler: MultiStepSolver | "few-step";
  /** A list for `few-step`, empty where neither network nor options have one; a number for the others. */
  readonly steps: readonly number[] | number;
  readonly warpSteps: boolean;
  readonly shift: number;
  /** 1 where the negative prompt has no part. */
  readonly guidance: number;
}

/** Steps of the multi-step samplers: `sampling_steps` in the reference's causal_diffusion_inference.py:33. */
const defaultCount = 50;

/** Fills in what was left out. */
export function effective(options: DiffuseOptions): EffectiveOptions {
  const model: DiffusionModel = diffusionModels[options.network];
  const { sampler = model.sampler, latentFrames } = options;
  const given = Object.entries(options).filter(([key, value]) =>
    key !== "sizes" && key !== "weights" && value !== undefined
  );
  const few = sampler === "few-step";
  const steps = typeof model.steps === "number"
    ? { list: [], count: model.steps }
    : { list: model.steps, count: defaultCount };
  const made = model.kind === "causal" ? model : { ...model, ...wholeClip(latentFrames) };
  return {
    ...made,
    sampler,
    steps: few ? steps.list : steps.count,
    guidance: few ? 1 : model.guidance ?? 1,
    ...Object.fromEntries(given),
    sizes: { ...model.sizes, ...options.sizes },
  } as EffectiveOptions;
}

/** A clip as the only chunk of a run, which needs no cache. */
function wholeClip(latentFrames: number) {
  const frames = Math.max(1, latentFrames);
  return { chunk: frames, window: frames, sink: 0, contextNoise: 0, warpSteps: false };
}
