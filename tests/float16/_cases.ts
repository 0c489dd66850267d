/**
 * How far the float16 graphs are from the reference: every network of the golden files and the embedded model's
 * chain, on a device that rounds every float16 value (`rounding`), against the reference's float32.
 */

import type { Precision } from "../../engine/networks/mod.ts";
import { longText, taehvDecoding, taehvEncoding, vaeDecoding, vaeEncoding } from "./_codecs.ts";
import type { CasePlace, Float16Case } from "./_compare.ts";
import { embeddedChain, embeddedLatents, embeddedPictures, embeddedText } from "./_embedded.ts";
import { bidirectional, localRun, sequence, texts, wholeRun } from "./_wan.ts";

const bytes = [0, 255] as const;

/** Every line of the table. Bounds are about twice what was measured. */
export const float16Cases: readonly Float16Case[] = [
  { name: "causal Wan, 4 chunks of 4 steps", bound: 0.001, run: wholeRun },
  ...([[6, 0], [6, 1], [6, 3], [9, 3]] as const).map(([window, sink]) => ({
    name: `causal Wan, window ${window}, sink ${sink}, 5 chunks`,
    bound: 0.001,
    run: (dtype: Precision, place?: CasePlace) => localRun(window, sink, dtype, place),
  })),
  { name: "bidirectional Wan, flow", bound: 0.0015, run: bidirectional },
  ...([
    ["block-causal Wan, flow", "train", { chunk: 3 }],
    ["block-causal Wan, window 4, flow", "train_local4", { chunk: 3, window: 4 }],
    ["block-causal Wan, teacher forcing, flow", "teacher_forcing", {
      chunk: 3,
      teacherForcing: true,
    }],
  ] as const).map(([name, key, options]) => ({
    name,
    bound: 0.0015,
    run: (dtype: Precision, place?: CasePlace) => sequence(key, options, dtype, place),
  })),
  { name: "Wan, the text's keys and values", bound: 0.002, run: texts },
  { name: "UMT5, 160 tokens", bound: 0.003, run: longText },
  { name: "Wan VAE, decoded", bound: 0.012, range: [-1, 1], psnr: 65, run: vaeDecoding },
  { name: "Wan VAE, encoded", bound: 0.004, run: vaeEncoding },
  { name: "TAEHV, decoded", bound: 0.008, range: [0, 1], psnr: 60, run: taehvDecoding },
  { name: "TAEHV, encoded", bound: 0.004, run: taehvEncoding },
  { name: "embedded model, embeddings", bound: 0.001, run: embeddedText },
  { name: "embedded model, latents of 7 chunks", bound: 0.04, run: embeddedLatents },
  {
    name: "embedded model, 81 pictures of given latents",
    bound: 0.012,
    range: bytes,
    psnr: 57,
    run: embeddedPictures,
  },
  {
    name: "embedded model, noise to 81 pictures",
    bound: 0.25,
    range: bytes,
    psnr: 50,
    run: embeddedChain,
  },
];
