/** Published networks' sizes. Each number cites where it stands. */

import type { WanConfig } from "./_wan_block.ts";
import type { TaehvConfig } from "./taehv.ts";
import type { Umt5Config } from "./umt5.ts";
import type { WanVaeConfig } from "./wan_vae.ts";

/**
 * Wan2.1-T2V-1.3B, which Self Forcing's checkpoints have the sizes of; 1,418,996,800 parameters.
 *
 * Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/configs/wan_t2v_1_3B.py:20-29 and
 * wan/configs/shared_config.py:11 (text_len); the rest are defaults of wan/modules/model.py (WanModel).
 */
export const wan2_1_1_3b: WanConfig = {
  dim: 1536,
  ffnDim: 8960,
  numHeads: 12,
  numLayers: 30,
  freqDim: 256,
  textDim: 4096,
  textLen: 512,
  inDim: 16,
  outDim: 16,
  patchSize: [1, 2, 2],
  eps: 1e-6,
};

/**
 * Wan2.1-T2V-14B; 14,288,491,584 parameters.
 *
 * Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/configs/wan_t2v_14B.py:20-29 and
 * wan/configs/shared_config.py:11 (text_len); the rest are defaults of wan/modules/model.py:387-392 (WanModel).
 */
export const wan2_1_14b: WanConfig = {
  dim: 5120,
  ffnDim: 13824,
  numHeads: 40,
  numLayers: 40,
  freqDim: 256,
  textDim: 4096,
  textLen: 512,
  inDim: 16,
  outDim: 16,
  patchSize: [1, 2, 2],
  eps: 1e-6,
};

/**
 * UMT5-XXL's encoder; 5,680,910,336 parameters.
 *
 * Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/modules/t5.py:456-469 (umt5_xxl);
 * wan/configs/shared_config.py:11 (text_len).
 */
export const umt5Xxl: Umt5Config = {
  vocab: 256384,
  dim: 4096,
  dimAttn: 4096,
  dimFfn: 10240,
  numHeads: 64,
  numLayers: 24,
  numBuckets: 32,
  textLen: 512,
};

/**
 * taew2_1, the tiny autoencoder for Wan 2.1's latents.
 *
 * madebyollin/taehv@1f14a568f24bf8811e0a0ac601613e04fc1581e8, taehv.py, defaults of TAEHV.__init__: 16
 * latent channels, patch size 1, widths 64 and [256, 128, 64, 64].
 */
export const taew2_1: TaehvConfig = {
  latentChannels: 16,
  patchSize: 1,
  encoderWidth: 64,
  decoderWidths: [256, 128, 64, 64],
  encoderTimeDownscale: [true, true, false],
  decoderTimeUpscale: [false, true, true],
};

/**
 * Wan 2.1's VAE; 126,892,531 parameters, 73,295,603 of them for decoding.
 *
 * Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/modules/vae.py:597-604 (_video_vae), :622
 * (z_dim), :629-636 (mean and std).
 */
export const wan2_1_vae: WanVaeConfig = {
  dim: 96,
  zDim: 16,
  dimMult: [1, 2, 4, 4],
  numResBlocks: 2,
  temporalDownsample: [false, true, true],
  // deno-fmt-ignore
  latentMean: [
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
  ],
  // deno-fmt-ignore
  latentStd: [
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
  ],
};
