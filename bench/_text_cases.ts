/** Text encoders to measure, with texts: the golden one, the embedded one, and one of UMT5-XXL's width. */

import { type Umt5Config, umt5Encoder, umt5Xxl } from "../engine/networks/mod.ts";
import { float32ToBfloat16 } from "../engine/tensor/mod.ts";
import {
  openSafetensors,
  parameters,
  type WeightFile,
  writeSafetensors,
} from "../engine/weights/mod.ts";
import { textModels } from "../plugins/_models.ts";
import type { Tokens } from "../plugins/encode_text/text_encoder.ts";
import { umt5Sizes } from "../tests/_golden.ts";

/** An encoder and what it is to encode. */
export interface TextCase {
  readonly title: string;
  readonly sizes: Umt5Config;
  readonly weights: WeightFile;
  readonly texts: readonly Tokens[];
}

export async function goldenCase(): Promise<TextCase> {
  const file = await golden("umt5_encoder");
  const texts = await textsOf(file, 3, umt5Sizes.textLen);
  const weights = parameters(file, "weights.");
  return { title: "tests/golden, 3 layers of 32 channels", sizes: umt5Sizes, weights, texts };
}

export async function embeddedCase(): Promise<TextCase> {
  const { sizes, weights } = textModels.embedded;
  const texts = await textsOf(await golden("embedded_parity"), 2, sizes.textLen);
  const file = await openSafetensors(decodeURIComponent(weights.pathname));
  return { title: "embedded, 2 layers of 128 channels", sizes, weights: file, texts };
}

/** UMT5-XXL with fewer layers and words, and random weights, which are written to a folder. */
export async function wideCase(folder: string, layers: number): Promise<TextCase> {
  const sizes = { ...umt5Xxl, vocab: 1000, numLayers: layers };
  const weights = await randomWeights(`${folder}/t5.safetensors`, sizes);
  const { textLen } = sizes;
  const length = 120;
  const ids = BigInt64Array.from({ length: textLen }, (_, i) => BigInt(i < length ? i * 7 + 2 : 0));
  const mask = BigInt64Array.from({ length: textLen }, (_, i) => BigInt(i < length));
  const texts = [{ ids, mask, length, dropped: 0 }];
  return { title: `UMT5-XXL's width, ${layers} of 24 layers`, sizes, weights, texts };
}

function golden(name: string): Promise<WeightFile> {
  const url = new URL(`../tests/golden/${name}.safetensors`, import.meta.url);
  return openSafetensors(decodeURIComponent(url.pathname));
}

async function textsOf(file: WeightFile, count: number, textLen: number): Promise<Tokens[]> {
  const all = await file.read("in.ids");
  const masks = await file.read("in.mask");
  return Array.from({ length: count }, (_, i) => {
    const [ids, mask] = [all, masks].map(({ data }) =>
      (data as BigInt64Array).slice(i * textLen, (i + 1) * textLen)
    ) as [BigInt64Array, BigInt64Array];
    return { ids, mask, length: mask.filter((each) => each > 0n).length, dropped: 0 };
  });
}

/** Normal numbers of T5's initialisation (Wan-Video/Wan2.1, wan/modules/t5.py:27-45), stored in bfloat16. */
async function randomWeights(path: string, sizes: Umt5Config): Promise<WeightFile> {
  const { dim, dimAttn, dimFfn, numBuckets, numHeads } = sizes;
  const deviations = [
    [/token_embedding/, 1],
    [/attn\.q/, (dim * dimAttn) ** -0.5],
    [/attn\.o/, (numHeads * dimAttn) ** -0.5],
    [/fc2/, dimFfn ** -0.5],
    [/pos_embedding/, (2 * numBuckets * numHeads) ** -0.5],
    [/./, dim ** -0.5],
  ] as const;
  const tensors = [...umt5Encoder(sizes).parameters.values()].map(({ name, shape }, i) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const deviation = deviations.find(([pattern]) => pattern.test(name))![1];
    const data = shape.length === 1
      ? new Float32Array(count).fill(1)
      : normal(count, deviation, i + 1);
    return [name, { dtype: "bfloat16", shape, data: float32ToBfloat16(data) }] as const;
  });
  await writeSafetensors(path, tensors);
  return await openSafetensors(path);
}

/** Normal numbers, the same each time: Box and Muller's over an xorshift. */
function normal(count: number, deviation: number, seed: number): Float32Array {
  let state = Math.imul(seed, 0x9e3779b9);
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(next()));
    const angle = 2 * Math.PI * next();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
