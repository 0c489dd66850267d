/** The embedded model in float16, against itself in PyTorch. */

import { flowSchedule, planFewSteps, rollout } from "../../engine/diffusion/mod.ts";
import { type Precision, umt5Encoder } from "../../engine/networks/mod.ts";
import { openSafetensors } from "../../engine/weights/mod.ts";
import { decoderModels, diffusionModels, textModels } from "../../plugins/_models.ts";
import { Decoder } from "../../plugins/decode/decoder.ts";
import { taehvNetwork } from "../../plugins/decode/networks.ts";
import { CausalWanModel } from "../../plugins/diffuse/model.ts";
import { Golden } from "../_golden.ts";
import { type CasePlace, type Compared, onRounding, run } from "./_compare.ts";

const embedded = diffusionModels.embedded;
const cells = {
  height: embedded.height / embedded.spatialFactor,
  width: embedded.width / embedded.spatialFactor,
};

const weightsOf = (url: URL) => openSafetensors(decodeURIComponent(url.pathname));

export async function embeddedText(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("embedded_parity");
  const { sizes } = textModels.embedded;
  const { embeddings } = await run(
    umt5Encoder(sizes, { dtype }),
    {
      ids: (await golden.integers("in.ids")).slice(0, 32),
      mask: (await golden.integers("in.mask")).slice(0, 32),
    },
    { weights: await weightsOf(textModels.embedded.weights) },
    place,
  );
  return {
    actual: embeddings as Float32Array,
    expected: await golden.part("out.prompt_embeds", 0, 2),
  };
}

/** Seven chunks of the embedded model from the reference's embeddings. */
export async function embeddedLatents(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("embedded_parity");
  const { sizes, chunk, window, sink, shift, steps, warpSteps } = embedded;
  await using device = await place.open(2);
  await using model = await CausalWanModel.load(device, await weightsOf(embedded.weights), {
    sizes,
    chunk: { frames: chunk, ...cells },
    window,
    attention: place.attention,
    precision: dtype,
  });
  await model.condition(await golden.part("out.prompt_embeds", 0, 2));
  const size = 16 * cells.height * cells.width;
  const passes = planFewSteps(flowSchedule({ shift }), steps, warpSteps);
  const initial = await golden.part("in.noise", 0, 2);
  const renoise = await golden.floats("in.renoise");
  const latents: number[] = [];
  const chunks = rollout(model.during(), {
    latentFrames: 7 * chunk,
    chunk,
    window,
    sink,
    passes,
    noise: {
      initial: ({ frame, frames }) => initial.slice(frame * size, (frame + frames) * size),
      renoise: ({ index }, pass) => {
        const at = (index * (passes.length - 1) + pass.renoise!) * 2 * chunk * size;
        return renoise.slice(at, at + chunk * size);
      },
    },
  });
  for await (const { latents: given } of chunks) latents.push(...given);
  return { actual: latents, expected: await golden.part("out.latents", 0, 2) };
}

/** The reference's latents decoded; bytes against the float32 graph's. */
export async function embeddedPictures(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const golden = await Golden.open("embedded_parity");
  const latents = await golden.part("out.latents", 0, 2);
  return {
    actual: await decoded(latents, dtype, place),
    expected: await decoded(latents, "float32", onRounding),
  };
}

async function decoded(
  latents: Float32Array,
  dtype: Precision,
  place: CasePlace,
): Promise<Uint8Array> {
  const { chunk } = embedded;
  await using device = await place.open(2);
  const network = taehvNetwork(decoderModels.embedded.sizes, dtype);
  await using decoder = new Decoder(
    device,
    network,
    await weightsOf(decoderModels.embedded.weights),
  );
  await decoder.restart();
  const size = 16 * cells.height * cells.width * chunk;
  const parts: BlobPart[] = [];
  for (let at = 0; at < latents.length; at += size) {
    const piece = latents.slice(at, at + size);
    parts.push((await decoder.decode(piece, { frames: chunk, ...cells })).data);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** From noise to pictures in float16, against the same in float32. */
export async function embeddedChain(
  dtype: Precision,
  place = onRounding,
): Promise<Compared> {
  const { actual, expected } = await embeddedLatents(dtype, place);
  return {
    actual: await decoded(Float32Array.from(actual), dtype, place),
    expected: await decoded(Float32Array.from(expected), "float32", onRounding),
  };
}
