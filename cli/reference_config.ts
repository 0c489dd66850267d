/**
 * The reference's own config files as pipelines of this program: what its inference reads of them, taken over; what
 * only its training reads, left aside; anything else, refused by name.
 *
 * guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1: configs/*.yaml, inference.py:52-70 and 116-140,
 * pipeline/causal_inference.py:19-45, pipeline/causal_diffusion_inference.py:19-50, utils/wan_wrapper.py:117-160; where
 * a config says `causal: false`, pipeline/bidirectional_inference.py and pipeline/bidirectional_diffusion_inference.py.
 */
import { basename, dirname, extname, join } from "@std/path";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { type Config, loadConfig, type LoadOptions, parseConfig } from "../pipeline/config.ts";
import { ConfigError, type ConfigProblem } from "../pipeline/errors.ts";
import { suggestName } from "../pipeline/names.ts";

const whole = z.number().int();

/** What inference reads. */
const known = z.object({
  denoising_step_list: z.array(z.number().min(0).max(1000)).min(1).optional(),
  warp_denoising_step: z.boolean().default(false),
  num_frame_per_block: whole.min(1).default(1),
  independent_first_frame: z.boolean().default(false),
  context_noise: z.number().min(0).max(1000).default(0),
  // Batch, frames, channels, height and width of the latents.
  image_or_video_shape: z.tuple([whole, whole, whole, whole, whole]).optional(),
  num_frames: whole.min(1).default(81),
  height: whole.min(16).default(480),
  width: whole.min(16).default(832),
  timestep_shift: z.number().positive().optional(),
  guidance_scale: z.number().min(0).optional(),
  negative_prompt: z.string().optional(),
  seed: whole.min(0).default(0),
  model_kwargs: z.object({
    model_name: z.enum(["Wan2.1-T2V-1.3B", "Wan2.1-T2V-14B"]).default("Wan2.1-T2V-1.3B"),
    timestep_shift: z.number().positive().optional(),
    local_attn_size: whole.optional(),
    sink_size: whole.min(0).optional(),
    is_causal: z.boolean().optional(),
  }).prefault({}),
  i2v: z.literal(false).default(false),
  causal: z.boolean().default(true),
}).superRefine(({ causal, denoising_step_list: steps, model_kwargs }, context) => {
  const { is_causal, model_name } = model_kwargs;
  const refuse = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (is_causal !== undefined && is_causal !== causal) {
    refuse(["model_kwargs", "is_causal"], `expected ${causal}, as causal is, got ${is_causal}`);
  }
  if (causal && model_name !== "Wan2.1-T2V-1.3B") {
    refuse(
      ["model_kwargs", "model_name"],
      `expected "Wan2.1-T2V-1.3B": there is no causal network of another size; got "${model_name}"`,
    );
  }
  if (!causal && steps !== undefined && withoutEnd(steps).length < 2) {
    refuse(
      ["denoising_step_list"],
      "expected at least two steps above 0: with causal: false the last of them is never run, " +
        `got [${steps.join(", ")}]`,
    );
  }
});

type Known = z.output<typeof known>;

/** What its training alone reads, or nothing does. */
const leftAside = new Set(
  ("generator_ckpt generator_fsdp_wrap_strategy real_score_fsdp_wrap_strategy fake_score_fsdp_wrap_strategy " +
    "real_name fake_name text_encoder_fsdp_wrap_strategy ts_schedule ts_schedule_max num_train_timestep " +
    "denoising_loss_type mixed_precision wandb_host wandb_key wandb_entity wandb_project sharding_strategy lr " +
    "lr_critic beta1 beta2 beta1_critic beta2_critic data_path batch_size ema_weight ema_start_step " +
    "total_batch_size log_iters dfake_gen_update_ratio distribution_loss trainer gradient_checkpointing " +
    "load_raw_video weight_decay same_step_across_blocks discriminator_lr_multiplier last_step_only " +
    "num_training_frames gc_interval ckpt_step prompt_name prompt_path eval_first_n num_samples sid_alpha " +
    "min_score_timestep real_guidance_scale fake_guidance_scale teacher_forcing noise_augmentation_max_timestep " +
    "gan_g_weight gan_d_weight diffusion_gan diffusion_gan_max_timestep concat_time_embeddings r1_weight r2_weight " +
    "r1_sigma r2_sigma critic_warmup_steps no_save no_visualize logdir disable_wandb config_name")
    .split(" "),
);

/** Latent frames that the reference's cache holds where attention is not local: 32,760 tokens of 1,560 a frame. */
const CACHE_FRAMES = 21;

/** Shift of its schedule where nothing is said (utils/wan_wrapper.py:119). */
const WAN_SHIFT = 8;

/** Its checkpoints that are published, by the names of its configs. */
const checkpoints = [
  "self_forcing_dmd",
  "self_forcing_sid",
  "self_forcing_sid_v2",
  "self_forcing_gan",
  "self_forcing_10s",
];

/** The networks that make the whole clip at once, and their files, by the reference's names. */
const originals = {
  "Wan2.1-T2V-1.3B": {
    network: "wan2.1-t2v-1.3b",
    weights: "models/Wan2.1-T2V-1.3B/diffusion_pytorch_model.safetensors",
  },
  "Wan2.1-T2V-14B": {
    network: "wan2.1-t2v-14b",
    weights: "models/Wan2.1-T2V-14B/diffusion_pytorch_model.safetensors.index.json",
  },
} as const;

/** Reads a config: this program's own kind, or the reference's. */
export async function readConfig(path: string, options: LoadOptions): Promise<Config> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    return await loadConfig(path, options);
  }
  if (!isReference(text)) return await loadConfig(path, options);
  const pipeline = await translate(text, path);
  // JSON is YAML. Where an option does not fit, the message names it; lines would be those of this text.
  const config = await parseConfig(JSON.stringify(pipeline), {
    ...options,
    file: `${path} (read as a pipeline)`,
    directory: dirname(path),
  });
  return { ...config, file: path };
}

/** Whether a config is of the reference's kind: it has no stages, and keys that every one of those has. */
function isReference(text: string): boolean {
  const has = (key: string) => new RegExp(`^${key}\\s*:`, "m").test(text);
  return !has("stages") && (has("num_frame_per_block") || has("denoising_step_list") ||
    has("generator_ckpt") || has("num_training_frames"));
}

/** The pipeline that a config of the reference describes. */
async function translate(text: string, path: string): Promise<unknown> {
  const defaults = await defaultsBeside(path);
  const { values, unknown } = read(text, path);
  const result = known.safeParse({ ...defaults, ...values });
  const wrong = (result.error?.issues ?? []).map(({ path: key, message }) =>
    problemAt(text, path, key.map(String), `${message}.`)
  );
  if (!result.success || unknown.length > 0) throw new ConfigError([...unknown, ...wrong], path);
  const config = result.data;
  const { denoising_step_list: steps, image_or_video_shape: shape } = config;
  const name = basename(path, extname(path));
  const wan = "models/Wan2.1-T2V-1.3B";
  return {
    name,
    description: "A config of the reference",
    stages: [
      { use: "extend-prompt", with: { provider: "none" } },
      {
        use: "encode-text",
        with: {
          network: "umt5-xxl",
          weights: `${wan}/models_t5_umt5-xxl-enc-bf16.pth`,
          tokenizer: `${wan}/google/umt5-xxl/tokenizer.json`,
          // Few-step networks have their guidance built in.
          ...(steps === undefined && { negative: config.negative_prompt ?? "" }),
        },
      },
      {
        use: "diffuse",
        with: {
          ...(config.causal ? causal(config, name) : bidirectional(config)),
          "latent-frames": latentFramesOf(config),
          height: shape ? shape[3] * 8 : config.height,
          width: shape ? shape[4] * 8 : config.width,
          seed: config.seed,
        },
      },
      { use: "decode", with: { network: "wan2.1-vae", weights: `${wan}/Wan2.1_VAE.pth` } },
      { use: "encode-video", with: { fps: 16 } },
    ],
  };
}

function latentFramesOf({ image_or_video_shape: shape, num_frames }: Known): number {
  return shape?.[1] ?? (num_frames + 3) / 4;
}

/** What `diffuse` is told of a network that makes chunk after chunk. */
function causal(config: Known, name: string): Record<string, unknown> {
  const { model_kwargs: model, denoising_step_list: steps } = config;
  const local = model.local_attn_size ?? -1;
  const shift = model.timestep_shift ?? config.timestep_shift;
  return {
    network: "wan2.1-1.3b",
    ...(checkpoints.includes(name) && {
      weights: `models/Self-Forcing/checkpoints/${name}.pt#generator_ema`,
    }),
    ...(steps === undefined ? { sampler: "unipc", guidance: config.guidance_scale ?? 1 } : {
      sampler: "few-step",
      steps: withoutEnd(steps),
      "warp-steps": config.warp_denoising_step,
    }),
    ...(shift !== undefined && { shift }),
    chunk: config.num_frame_per_block,
    "independent-first-frame": config.independent_first_frame,
    window: local === -1 ? Math.max(CACHE_FRAMES, latentFramesOf(config)) : local,
    sink: model.sink_size ?? 0,
    "context-noise": config.context_noise,
  };
}

/**
 * What `diffuse` is told of a network that makes the whole clip at once. Of the steps that are listed the reference
 * runs all but the last (pipeline/bidirectional_inference.py:52); in many steps it takes a shift of 8, whatever the
 * config says (pipeline/bidirectional_diffusion_inference.py:30). Nothing of chunks and caches is read.
 */
function bidirectional(config: Known): Record<string, unknown> {
  const { model_kwargs: model, denoising_step_list: steps } = config;
  return {
    ...originals[model.model_name],
    ...(steps === undefined
      ? { sampler: "unipc", steps: 50, guidance: config.guidance_scale ?? 1, shift: WAN_SHIFT }
      : {
        sampler: "few-step",
        steps: withoutEnd(steps).slice(0, -1),
        "warp-steps": config.warp_denoising_step,
        shift: model.timestep_shift ?? WAN_SHIFT,
      }),
  };
}

/** Older configs end their steps with 0, which is no step (pipeline/causal_inference.py:36-38). */
function withoutEnd(steps: readonly number[]): readonly number[] {
  return steps.length > 1 && steps.at(-1) === 0 ? steps.slice(0, -1) : steps;
}

/** The reference merges every config into the defaults that lie beside it. */
async function defaultsBeside(path: string): Promise<Record<string, unknown>> {
  const beside = join(dirname(path), "default_config.yaml");
  if (basename(path) === basename(beside)) return {};
  try {
    const { values, unknown } = read(await Deno.readTextFile(beside), beside);
    if (unknown.length > 0) throw new ConfigError(unknown, beside);
    return values;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** A config's keys and values, and the keys that nothing reads. Throws where the text is no YAML. */
function read(
  text: string,
  path: string,
): { readonly values: Record<string, unknown>; readonly unknown: ConfigProblem[] } {
  const document = parseDocument(text, { prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    throw new ConfigError(
      [problemAt(text, path, [], `this is no valid YAML. ${problem.message}`)],
      path,
    );
  }
  const values = (document.toJS() ?? {}) as Record<string, unknown>;
  const unknown: ConfigProblem[] = [];
  const refuse = (place: readonly string[], names: readonly string[]) => {
    const near = suggestName(place.at(-1)!, names);
    const reason = `there is no such key in the reference's configs.${near}`;
    unknown.push(problemAt(text, path, place, reason));
  };
  const read = Object.keys(known.shape);
  for (const key of Object.keys(values)) {
    if (!read.includes(key) && !leftAside.has(key)) refuse([key], read);
  }
  const model = values.model_kwargs;
  const inner = Object.keys(known.shape.model_kwargs.unwrap().shape);
  for (const key of Object.keys(typeof model === "object" && model !== null ? model : {})) {
    if (!inner.includes(key)) refuse(["model_kwargs", key], inner);
  }
  return { values, unknown };
}

function problemAt(
  text: string,
  file: string,
  path: readonly string[],
  reason: string,
): ConfigProblem {
  const lines = new LineCounter();
  let node: unknown = parseDocument(text, { lineCounter: lines, prettyErrors: false }).contents;
  let offset = 0;
  for (const name of path) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
    if (pair === undefined) break;
    offset = (pair.key as { range?: [number, number, number] }).range?.[0] ?? offset;
    node = pair.value;
  }
  const { line, col: column } = lines.linePos(offset);
  return { file, line, column, key: path.join("."), reason };
}
