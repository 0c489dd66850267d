/** `decode` with Wan's own VAE, against the reference's pictures. */

import { assertEquals, assertRejects } from "@std/assert";
import { wan2_1_vae } from "../../engine/networks/mod.ts";
import { openDevice } from "../../engine/runtime/mod.ts";
import type { CreateContext, Frames, Latents, RunContext } from "../../pipeline/mod.ts";
import { UserError } from "../../pipeline/mod.ts";
import { Decoder } from "../../plugins/decode/decoder.ts";
import { wanVaeNetwork } from "../../plugins/decode/networks.ts";
import { decodeOptions } from "../../plugins/decode/options.ts";
import { DecodeStage } from "../../plugins/decode/stage.ts";
import { assertClose, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";

const sizes = { ...wan2_1_vae, dim: 6 };

/** A clip of the golden file. */
interface Clip {
  readonly name: "" | "small.";
  readonly height: number;
  readonly width: number;
}
const large: Clip = { name: "", height: 8, width: 12 };
const small: Clip = { name: "small.", height: 2, width: 3 };

/** Elements of one latent frame. */
const sizeOf = ({ height, width }: Clip) => 16 * height * width;

/** What a golden clip is as bytes before rounding, `[frames, height, width, 3]`. */
async function expectedBytes(golden: Golden, { name, height, width }: Clip): Promise<number[]> {
  const planes = await golden.floats(`out.${name}decode_raw`);
  const pixels = 64 * height * width;
  return Array.from({ length: planes.length }, (_, i) => {
    const [colour, pixel] = [i % 3, Math.floor(i / 3)];
    const [frame, place] = [Math.floor(pixel / pixels), pixel % pixels];
    const value = planes[(frame * 3 + colour) * pixels + place]!;
    return (Math.min(1, Math.max(-1, value)) + 1) * 127.5;
  });
}

async function checkPieces(
  deviceName: string,
  threads: number,
  clip: Clip,
  cuts: number[][],
): Promise<void> {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats(`in.${clip.name}latents`);
  const expected = await expectedBytes(golden, clip);
  const { height, width } = clip;
  await using device = await openDevice(deviceName, { threads });
  const network = wanVaeNetwork(sizes, deviceName === "cpu" ? "fused" : "composed");
  await using decoder = new Decoder(device, network, golden.weights);
  // One clip after another with one decoder: nothing of the one before is left.
  for (const pieces of cuts) {
    await decoder.restart();
    const pictures: number[][] = [];
    const counts: number[] = [];
    let at = 0;
    for (const frames of pieces) {
      const piece = latents.subarray(at * sizeOf(clip), (at + frames) * sizeOf(clip));
      const given = await decoder.decode(piece, { frames, height, width });
      counts.push(given.frames);
      pictures.push([...given.data]);
      at += frames;
    }
    assertEquals(counts, pieces.map((frames, i) => 4 * frames - (i === 0 ? 3 : 0)));
    // Half a step is lost by rounding to bytes.
    assertClose(pictures.flat(), expected, 0.503, `pieces of ${pieces}`);
  }
}

for (const threads of [1, 2]) {
  Deno.test(`Decoder streams Wan's VAE exactly, its caches replaced in place, at ${threads} threads`, () =>
    checkPieces("cpu", threads, large, [[1, 1, 1, 1], [3, 1], [2, 2], [1, 3], [1, 1, 1, 1]]));
}

Deno.test({
  name: "Decoder streams Wan's VAE on webgpu",
  ignore: !await webgpuIsHere(),
  fn: () => checkPieces("webgpu", 1, small, [[1, 2, 3]]),
});

const context: CreateContext = {
  device: "cpu",
  threads: 2,
  directory: new URL("../golden", import.meta.url).pathname,
  signal: new AbortController().signal,
  warn: () => {},
};

const run: RunContext = {
  signal: new AbortController().signal,
  stop: new AbortController().signal,
  whenRunning: () => Promise.resolve(),
  report: () => {},
};

const prompt = { text: "", negative: "", seed: 0 } as unknown as Latents["prompt"];

async function* inChunks(all: Float32Array, lengths: readonly number[]): AsyncGenerator<Latents> {
  let at = 0;
  for (const [index, frames] of lengths.entries()) {
    const data = all.slice(at * sizeOf(large), (at + frames) * sizeOf(large));
    at += frames;
    const last = index === lengths.length - 1;
    const shape = [frames, 16, large.height, large.width] as const;
    yield await Promise.resolve({ index, last, data, shape, prompt });
  }
}

Deno.test("decode takes wan2.1-vae, and gives the same pictures however a chunk is cut", async () => {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats("in.latents");
  const expected = await expectedBytes(golden, large);
  for (const batch of [undefined, 1, 2]) {
    const options = decodeOptions.parse({
      network: "wan2.1-vae",
      weights: "wan_vae.safetensors#weights",
      sizes: { dim: 6 },
      batch,
    });
    await using stage = await DecodeStage.create(options, context);
    const given: Frames[] = [];
    for await (const frames of stage.process(inChunks(latents, [3, 1]), run)) given.push(frames);
    assertEquals(given.map(({ shape }) => [...shape]), [[9, 64, 96, 3], [4, 64, 96, 3]]);
    assertEquals(given.map(({ first }) => first), [0, 9]);
    assertClose(given.flatMap(({ data }) => [...data]), expected, 0.503, `batch ${batch}`);
  }
});

Deno.test("decode refuses sizes of another network, and a file that does not fit, by name", async () => {
  const create = (options: unknown) => DecodeStage.create(decodeOptions.parse(options), context);
  await assertRejects(
    () => create({ network: "wan2.1-vae", sizes: { patchSize: 2 } }),
    UserError,
    'Cannot set decode.sizes.patch-size: the network "wan2.1-vae" has dim, z-dim, dim-mult',
  );
  await assertRejects(
    () => create({ network: "wan2.1-vae", weights: "wan_vae.safetensors#weights" }),
    UserError,
    "conv1",
  );
});
