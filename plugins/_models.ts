/** Networks by the names that configs use, with what each was made for. Data only: cheap to import. */

import embedded from "../assets/embedded/config.json" with { type: "json" };
import type { WanConfig } from "../engine/networks/mod.ts";
import {
  taew2_1,
  umt5Xxl,
  wan2_1_14b,
  wan2_1_1_3b,
  wan2_1_vae,
} from "../engine/networks/presets.ts";
import type { TaehvConfig } from "../engine/networks/taehv.ts";
import type { Umt5Config } from "../engine/networks/umt5.ts";
import type { WanVaeConfig } from "../engine/networks/wan_vae.ts";

/** Where the embedded model's file of that name is. */
function asset(name: string): URL {
  return new URL(`../assets/embedded/${name}`, import.meta.url);
}

/** A text encoder. */
export interface TextModel {
  readonly sizes: Umt5Config;
  readonly weights?: URL;
  readonly tokenizer?: URL;
}

/** What all diffusion transformers have. */
interface AnyDiffusionModel {
  readonly sizes: WanConfig;
  readonly weights?: URL;
  /** Pixels of a picture. */
  readonly height: number;
  readonly width: number;
  /** Pixels of one latent cell, both ways. */
  readonly spatialFactor: number;
  readonly shift: number;
  /** Of the samplers that have one; 1 if left out. */
  readonly guidance?: number;
}

/** A transformer that makes chunk after chunk, each seeing those before it, and the sampling it was made for. */
export interface CausalDiffusionModel extends AnyDiffusionModel {
  readonly kind: "causal";
  readonly sampler: "few-step";
  readonly steps: readonly number[];
  readonly warpSteps: boolean;
  /** Latent frames: of a chunk, of the cache, and of its front that is never overwritten. */
  readonly chunk: number;
  readonly window: number;
  readonly sink: number;
  readonly contextNoise: number;
}

/** A transformer that makes a whole clip at once, and the sampling it was made for. */
export interface BidirectionalDiffusionModel extends AnyDiffusionModel {
  readonly kind: "bidirectional";
  readonly sampler: "unipc";
  /** How many. */
  readonly steps: number;
}

/** A diffusion transformer. */
export type DiffusionModel = CausalDiffusionModel | BidirectionalDiffusionModel;

/** A decoder of latents. */
export type DecoderModel =
  & { readonly weights?: URL }
  & (
    | { readonly kind: "taehv"; readonly sizes: TaehvConfig }
    | { readonly kind: "wan-vae"; readonly sizes: WanVaeConfig }
  );

const { transformer, text_encoder, taehv, sampling, video } = embedded;

/** Text encoders by name. */
export const textModels = {
  "embedded": {
    sizes: {
      vocab: text_encoder.vocab,
      dim: text_encoder.dim,
      dimAttn: text_encoder.dim_attn,
      dimFfn: text_encoder.dim_ffn,
      numHeads: text_encoder.num_heads,
      numLayers: text_encoder.num_layers,
      numBuckets: text_encoder.num_buckets,
      textLen: text_encoder.text_len,
    },
    weights: asset("text_encoder.safetensors"),
    tokenizer: asset("tokenizer.json"),
  },
  "umt5-xxl": { sizes: umt5Xxl },
} as const satisfies Record<string, TextModel>;

/** Diffusion transformers by name. */
export const diffusionModels = {
  "embedded": {
    kind: "causal",
    sizes: {
      dim: transformer.dim,
      ffnDim: transformer.ffn_dim,
      numHeads: transformer.num_heads,
      numLayers: transformer.num_layers,
      freqDim: transformer.freq_dim,
      textDim: transformer.text_dim,
      textLen: transformer.text_len,
      inDim: transformer.in_dim,
      outDim: transformer.out_dim,
      patchSize: [1, 2, 2],
      eps: transformer.eps,
    },
    weights: asset("transformer.safetensors"),
    height: video.height,
    width: video.width,
    spatialFactor: 8 * taehv.patch_size,
    sampler: "few-step",
    steps: sampling.denoising_step_list,
    warpSteps: sampling.warp_denoising_step,
    shift: sampling.timestep_shift,
    chunk: sampling.num_frame_per_block,
    window: sampling.local_attn_size,
    sink: sampling.sink_size,
    contextNoise: sampling.context_noise,
  },
  // guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1, configs/self_forcing_dmd.yaml:7-12,
  // :14-16, :44-47 and configs/default_config.yaml:12 (context_noise); 21 frames are its global attention.
  "wan2.1-1.3b": {
    kind: "causal",
    sizes: wan2_1_1_3b,
    height: 480,
    width: 832,
    spatialFactor: 8,
    sampler: "few-step",
    steps: [1000, 750, 500, 250],
    warpSteps: true,
    shift: 5,
    guidance: 3,
    chunk: 3,
    window: 21,
    sink: 0,
    contextNoise: 0,
  },
  // Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, README.md:177 (size, shift 8, guidance 6) and
  // generate.py:72 and 231 (50 steps of UniPC). guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1 has
  // the same steps, solver and shift, pipeline/bidirectional_diffusion_inference.py:28-30, and in its configs a
  // guidance of 3, which its distillation reads too.
  "wan2.1-t2v-1.3b": {
    kind: "bidirectional",
    sizes: wan2_1_1_3b,
    height: 480,
    width: 832,
    spatialFactor: 8,
    sampler: "unipc",
    steps: 50,
    shift: 8,
    guidance: 6,
  },
  // Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, generate.py:72, 77, 112, 231 and 244: what it takes for
  // this network where nothing is said. It was trained at 832 × 480 too (wan/configs/__init__.py:46).
  "wan2.1-t2v-14b": {
    kind: "bidirectional",
    sizes: wan2_1_14b,
    height: 720,
    width: 1280,
    spatialFactor: 8,
    sampler: "unipc",
    steps: 50,
    shift: 5,
    guidance: 5,
  },
} as const satisfies Record<string, DiffusionModel>;

/** Decoders by name. */
export const decoderModels = {
  "embedded": {
    kind: "taehv",
    sizes: {
      latentChannels: taehv.latent_channels,
      patchSize: taehv.patch_size as 1 | 2,
      encoderWidth: taehv.encoder_width,
      decoderWidths: taehv.decoder_widths as [number, number, number, number],
      encoderTimeDownscale: taehv.encoder_time_downscale as [boolean, boolean, boolean],
      decoderTimeUpscale: taehv.decoder_time_upscale as [boolean, boolean, boolean],
    },
    weights: asset("taehv.safetensors"),
  },
  "taew2.1": { kind: "taehv", sizes: taew2_1 },
  "wan2.1-vae": { kind: "wan-vae", sizes: wan2_1_vae },
} as const satisfies Record<string, DecoderModel>;

/** The names of a table of models, as a schema's enum wants them. */
export function namesOf<Name extends string>(
  models: Record<Name, unknown>,
): [Name, ...Name[]] {
  return Object.keys(models) as [Name, ...Name[]];
}
