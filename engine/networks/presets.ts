/** Published networks' sizes. Each number cites where it stands. */

import type { WanConfig } from "./_wan_block.ts";
import type { TaehvConfig } from "./taehv.ts";
import type { Umt5Config } from "./umt5.ts";

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
