/** The golden text encoder and autoencoders in float16, against the reference. */

import {
  type Precision,
  type TaehvConfig,
  taehvDecoder,
  taehvEncoder,
  umt5Encoder,
  wan2_1_vae,
  type WanVaeConfig,
  wanVaeDecoder,
  wanVaeEncoder,
} from "../../engine/networks/mod.ts";
import type { TensorData } from "../../engine/tensor/mod.ts";
import { Golden, umt5Sizes } from "../_golden.ts";
import { type Compared, onRounding, run, zerosOf } from "./_compare.ts";

export async function longText(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("umt5_encoder");
  const graph = umt5Encoder(umt5Sizes, { length: 160, padding: "keep", dtype });
  const { embeddings } = await run(
    graph,
    {
      ids: await golden.integers("in.long.ids"),
      mask: await golden.integers("in.long.mask"),
    },
    { weights: golden.weights },
    place,
  );
  return {
    actual: embeddings as Float32Array,
    expected: await golden.floats("out.long.encoder"),
  };
}

const vaeSizes: WanVaeConfig = { ...wan2_1_vae, dim: 6 };

/** A clip decoded a latent frame at a time, memories carried along. */
export async function vaeDecoding(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats("in.latents");
  const shape = { frames: 1, height: 8, width: 12 };
  const size = 16 * 8 * 12;
  const pictures: number[] = [];
  const how = { dtype, attention: place.attention };
  let memory: Record<string, TensorData> = {};
  for (let frame = 0; frame < latents.length / size; frame++) {
    const part = frame === 0 ? "first" : "next";
    const { graph, memories } = wanVaeDecoder(vaeSizes, shape, { part, output: "frames", ...how });
    const given = { latents: latents.slice(frame * size, (frame + 1) * size), ...memory };
    const out = await run(graph, given, { weights: golden.weights }, place);
    pictures.push(...out.frames as Float32Array);
    memory = Object.fromEntries(memories.map(({ name }) => [name, out[`${name}.next`]!]));
  }
  return { actual: pictures, expected: await golden.floats("out.decode_raw") };
}

export async function vaeEncoding(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("wan_vae");
  const planes = await golden.floats("in.video"); // [3, 13, 16, 24]
  const area = 16 * 24;
  const frames = Float32Array.from(planes, (_, i) => {
    const [frame, channel] = [Math.floor(i / (3 * area)), Math.floor(i / area) % 3];
    return planes[(channel * 13 + frame) * area + i % area]!;
  });
  const shape = { frames: 13, height: 16, width: 24 };
  const { graph } = wanVaeEncoder(vaeSizes, shape, { dtype, attention: place.attention });
  const { latents } = await run(graph, { frames }, { weights: golden.weights }, place);
  return { actual: latents as Float32Array, expected: await golden.floats("out.encode") };
}

const taehvSizes: TaehvConfig = {
  latentChannels: 16,
  patchSize: 1,
  encoderWidth: 8,
  decoderWidths: [32, 16, 8, 8],
  encoderTimeDownscale: [true, true, false],
  decoderTimeUpscale: [false, true, true],
};

export async function taehvDecoding(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("taehv");
  const latents = await golden.floats("in.latents");
  const shape = { frames: 1, height: 4, width: 6 };
  const { graph, memories } = taehvDecoder(taehvSizes, shape, "frames", { dtype });
  let memory: Record<string, TensorData> = zerosOf(graph, memories);
  const size = 16 * 4 * 6;
  const pictures: number[] = [];
  for (let at = 0; at < latents.length; at += size) {
    const given = { latents: latents.slice(at, at + size), ...memory };
    const out = await run(graph, given, { weights: golden.weights }, place);
    pictures.push(...out.frames as Float32Array);
    memory = Object.fromEntries(memories.map(({ name }) => [name, out[`${name}.next`]!]));
  }
  return { actual: pictures, expected: await golden.floats("out.decode_raw") };
}

export async function taehvEncoding(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("taehv");
  const video = await golden.floats("in.video");
  const picture = 3 * 16 * 24;
  const frames = new Float32Array(16 * picture);
  // The reference fills a clip up with its last picture.
  for (let i = 0; i < 16; i++) {
    const from = Math.min(i, 12) * picture;
    frames.set(video.subarray(from, from + picture), i * picture);
  }
  const shape = { frames: 16, height: 16, width: 24 };
  const { graph, memories } = taehvEncoder(taehvSizes, shape, { dtype });
  const given = { frames, ...zerosOf(graph, memories) };
  const { latents } = await run(graph, given, { weights: golden.weights }, place);
  return { actual: latents as Float32Array, expected: await golden.floats("out.encode") };
}
