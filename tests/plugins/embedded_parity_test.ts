/** The embedded model from text to pictures, against the same model in PyTorch. */

import { assertEquals } from "@std/assert";
import { flowSchedule, planFewSteps, rollout } from "../../engine/diffusion/mod.ts";
import { type Device, openDevice } from "../../engine/runtime/mod.ts";
import { openSafetensors } from "../../engine/weights/mod.ts";
import { decoderModels, diffusionModels, textModels } from "../../plugins/_models.ts";
import { Decoder } from "../../plugins/decode/decoder.ts";
import { taehvNetwork } from "../../plugins/decode/networks.ts";
import { CausalWanModel } from "../../plugins/diffuse/model.ts";
import { openTokenizer, TextEncoder, tokenize } from "../../plugins/encode_text/text_encoder.ts";
import { assertClose, distance, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";

const { height, width, spatialFactor, chunk, window, sink, shift, steps, warpSteps } =
  diffusionModels.embedded;
const cells = { height: height / spatialFactor, width: width / spatialFactor };
const chunkShape = { frames: chunk, ...cells };
const FRAME = 16 * cells.height * cells.width;
const CHUNKS = 7;

/** Opens one of the embedded model's files. */
const weightsOf = (url: URL) => openSafetensors(decodeURIComponent(url.pathname));

interface Tolerances {
  readonly embeddings: number;
  readonly latents: number;
  readonly pictures: number;
}

/** How much of the data is compared. */
interface Extent {
  readonly texts: readonly number[];
  /** Chunks that are decoded, of the 7 that are made. */
  readonly decoded: number;
}

async function checkChain(device: Device, extent: Extent, tolerances: Tolerances): Promise<void> {
  const golden = await Golden.open("embedded_parity");
  const texts = JSON.parse(golden.file.metadata.get("texts")!) as string[];
  const shown = JSON.parse(golden.file.metadata.get("frames")!) as number[];
  const tokenizer = await openTokenizer(
    decodeURIComponent(textModels.embedded.tokenizer.pathname),
  );
  await using encoder = await TextEncoder.load(
    device,
    textModels.embedded.sizes,
    await weightsOf(textModels.embedded.weights),
  );
  await using model = await CausalWanModel.load(
    device,
    await weightsOf(diffusionModels.embedded.weights),
    { sizes: diffusionModels.embedded.sizes, chunk: chunkShape, window, attention: "auto" },
  );
  await using decoder = new Decoder(
    device,
    taehvNetwork(decoderModels.embedded.sizes),
    await weightsOf(decoderModels.embedded.weights),
  );
  const renoise = await golden.floats("in.renoise");
  const passes = planFewSteps(flowSchedule({ shift }), steps, warpSteps);
  for (const text of extent.texts) {
    const tokens = tokenize(tokenizer, texts[text]!, 32);
    assertEquals(tokens.ids, (await golden.integers("in.ids")).slice(text * 32, text * 32 + 32));
    assertEquals(tokens.mask, (await golden.integers("in.mask")).slice(text * 32, text * 32 + 32));
    const embeddings = await encoder.encode(tokens);
    assertClose(
      embeddings,
      await golden.part("out.prompt_embeds", text, 2),
      tolerances.embeddings,
      "embeddings",
    );
    await model.condition(embeddings);
    await decoder.restart();
    const initial = await golden.part("in.noise", text, 2);
    const expected = await golden.part("out.latents", text, 2);
    const pictures: Uint8Array[] = [];
    const chunks = rollout(model.during(), {
      latentFrames: CHUNKS * chunk,
      chunk,
      window,
      sink,
      passes,
      noise: {
        initial: ({ frame, frames }) => initial.slice(frame * FRAME, (frame + frames) * FRAME),
        renoise: ({ index }, pass) => {
          const at = ((index * (passes.length - 1) + pass.renoise!) * 2 + text) * chunk * FRAME;
          return renoise.slice(at, at + chunk * FRAME);
        },
      },
    });
    for await (const { index, frame, latents } of chunks) {
      const wanted = expected.subarray(frame * FRAME, (frame + chunk) * FRAME);
      assertClose(latents, wanted, tolerances.latents, `latents of chunk ${index}`);
      if (index < extent.decoded) pictures.push((await decoder.decode(latents, chunkShape)).data);
    }
    const bytes = new Uint8Array(await new Blob(pictures as BlobPart[]).arrayBuffer());
    const size = height * width;
    const planes = await golden.part("out.frames", text, 2);
    for (const [i, picture] of shown.entries()) {
      if ((picture + 1) * size * 3 > bytes.length) continue;
      const worst = [0, 1, 2].map((colour) => {
        const plane = planes.subarray((i * 3 + colour) * size, (i * 3 + colour + 1) * size);
        const limited = plane.map((value) => 255 * Math.min(1, Math.max(0, value)));
        const got = Array.from(
          { length: size },
          (_, pixel) => bytes[(picture * size + pixel) * 3 + colour]!,
        );
        return distance(got, limited);
      });
      // Half a step is lost by rounding to bytes.
      assertClose(worst, [0, 0, 0], 0.5 + 255 * tolerances.pictures, `picture ${picture}`);
    }
  }
}

const asTheCard = { embeddings: 2e-5, latents: 1e-3, pictures: 2e-3 };

for (const threads of [1, 2]) {
  Deno.test(`the embedded chain agrees with PyTorch's at ${threads} threads`, async () => {
    await using device = await openDevice("cpu", { threads });
    await checkChain(device, { texts: [0, 1], decoded: CHUNKS }, asTheCard);
  });
}

// A software adapter takes ten seconds a chunk, so that two of the chunks are decoded there.
Deno.test({
  name: "the embedded chain agrees with PyTorch's on webgpu",
  ignore: !await webgpuIsHere(),
  fn: async () => {
    await using device = await openDevice("webgpu");
    await checkChain(device, { texts: [0], decoded: 2 }, { ...asTheCard, embeddings: 1e-3 });
  },
});
