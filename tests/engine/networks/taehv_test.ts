import { assertEquals, assertThrows } from "@std/assert";
import {
  type TaehvConfig,
  taehvDecoder,
  taehvEncoder,
  taew2_1,
} from "../../../engine/networks/mod.ts";
import type { TensorData } from "../../../engine/tensor/mod.ts";
import { assertClose, Golden } from "../../_golden.ts";
import { runGraph, type TestPlace } from "../../_run_graph.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

const config: TaehvConfig = {
  latentChannels: 16,
  patchSize: 1,
  encoderWidth: 8,
  decoderWidths: [32, 16, 8, 8],
  encoderTimeDownscale: [true, true, false],
  decoderTimeUpscale: [false, true, true],
};

/** Decodes pieces of the given lengths one after another, memories carried along. */
async function decodePieces(golden: Golden, pieces: readonly number[], place: TestPlace = {}) {
  const latents = await golden.floats("in.latents");
  const perFrame = 16 * 4 * 6;
  const frames: number[] = [];
  let memory: Record<string, TensorData> | undefined;
  let at = 0;
  for (const length of pieces) {
    const { graph, memories } = taehvDecoder(
      config,
      { frames: length, height: 4, width: 6 },
      "frames",
    );
    memory ??= Object.fromEntries(
      memories.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b))]),
    );
    const piece = latents.slice(at * perFrame, (at + length) * perFrame);
    const out = await runGraph(graph, { latents: piece, ...memory }, {
      weights: golden.weights,
      ...place,
    });
    frames.push(...out.frames as Float32Array);
    memory = Object.fromEntries(memories.map(({ name }) => [name, out[`${name}.next`]!]));
    at += length;
  }
  return { frames, memory: memory! };
}

for (const threads of [1, 2]) {
  Deno.test(`taehvDecoder() agrees with the reference as a whole and in pieces, at ${threads} threads`, async () => {
    const golden = await Golden.open("taehv");
    const expected = await golden.floats("out.decode_raw");
    for (const pieces of [[4], [1, 1, 1, 1], [1, 3], [3, 1]]) {
      const { frames } = await decodePieces(golden, pieces, { threads });
      assertClose(frames, expected, 2e-5, `pieces of ${pieces}`);
    }
  });
}

Deno.test("taehvDecoder() leaves the reference's memories behind", async () => {
  const golden = await Golden.open("taehv");
  const { memory } = await decodePieces(golden, [3, 1]);
  const blocks = Object.keys(memory);
  assertEquals(blocks.length, 9);
  for (const name of blocks) {
    const expected = await golden.floats(`out.decoder_${name}`);
    assertClose(memory[name] as Float32Array, expected, 2e-5, name);
  }
});

Deno.test("taehvDecoder() gives the same pictures as bytes, pixel by pixel", async () => {
  const golden = await Golden.open("taehv");
  const latents = await golden.floats("in.latents");
  const { graph, memories } = taehvDecoder(config, { frames: 4, height: 4, width: 6 });
  const memory = Object.fromEntries(
    memories.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b))]),
  );
  const { rgb } = await runGraph(graph, { latents, ...memory }, { weights: golden.weights });
  const planes = await golden.floats("out.decode_raw");
  const [height, width] = [32, 48];
  const expected = Array.from({ length: rgb!.length }, (_, i) => {
    const [colour, pixel] = [i % 3, Math.floor(i / 3)];
    const [frame, place] = [Math.floor(pixel / (height * width)), pixel % (height * width)];
    const value = planes[(frame * 3 + colour) * height * width + place]!;
    return Math.min(1, Math.max(0, value)) * 255;
  });
  assertClose(rgb as Uint8Array, expected, 0.502, "rgb");
});

async function checkEncoder(place: TestPlace, tolerance: number): Promise<void> {
  const golden = await Golden.open("taehv");
  const video = await golden.floats("in.video");
  const picture = 3 * 16 * 24;
  const frames = new Float32Array(16 * picture);
  frames.set(video);
  for (let i = 13; i < 16; i++) frames.set(video.slice(12 * picture), i * picture);
  const { graph, memories } = taehvEncoder(config, { frames: 16, height: 16, width: 24 });
  const memory = Object.fromEntries(
    memories.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b))]),
  );
  const { latents } = await runGraph(graph, { frames, ...memory }, {
    weights: golden.weights,
    ...place,
  });
  assertClose(latents as Float32Array, await golden.floats("out.encode"), tolerance, "encode");
}

for (const threads of [1, 2]) {
  Deno.test(`taehvEncoder() agrees with the reference on a clip filled up with its last picture, at ${threads} threads`, () =>
    checkEncoder({ threads }, 2e-5));
}

Deno.test({
  name: "taehvDecoder() and taehvEncoder() agree with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  async fn() {
    const golden = await Golden.open("taehv");
    const { frames } = await decodePieces(golden, [3, 1], { device: "webgpu" });
    assertClose(frames, await golden.floats("out.decode_raw"), 1e-4, "pieces of 3, 1");
    await checkEncoder({ device: "webgpu" }, 1e-4);
  },
});

Deno.test("taehvEncoder() refuses clips that its steps do not divide", () => {
  assertThrows(
    () => taehvEncoder(config, { frames: 13, height: 16, width: 24 }),
    RangeError,
    "expected a multiple of 4 pictures and of 8 pixels both ways",
  );
});

Deno.test("taew2_1's decoder is built at 832 × 480", () => {
  const { graph } = taehvDecoder(taew2_1, { frames: 3, height: 60, width: 104 });
  const rgb = graph.outputs.find(({ name }) => name === "rgb")!;
  assertEquals(rgb.value.dims, [12, 480, 832, 3]);
});
