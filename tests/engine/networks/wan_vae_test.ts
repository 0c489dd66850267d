import { assertEquals, assertThrows } from "@std/assert";
import {
  type ClipPart,
  type ClipShape,
  wan2_1_vae,
  type WanVaeConfig,
  wanVaeDecoder,
  wanVaeEncoder,
  type WanVaeGraph,
  type WanVaeOptions,
} from "../../../engine/networks/mod.ts";
import type { TensorData } from "../../../engine/tensor/mod.ts";
import { assertClose, Golden } from "../../_golden.ts";
import { runGraph, type TestPlace } from "../../_run_graph.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

const config: WanVaeConfig = { ...wan2_1_vae, dim: 6 };

/** What a piece of a clip goes through. */
interface Passage {
  readonly build: (shape: ClipShape, part: ClipPart) => WanVaeGraph;
  readonly input: "latents" | "frames";
  readonly output: "frames" | "latents" | "mean" | "rgb";
  /** Channels, height and width of the input. */
  readonly cell: readonly [number, number, number];
}

/** Runs pieces of the given lengths one after another, memories carried along. */
async function inPieces(
  golden: Golden,
  { build, input, output, cell }: Passage,
  data: Float32Array,
  pieces: readonly number[],
  place: TestPlace = {},
): Promise<number[][]> {
  const [channels, height, width] = cell;
  const perFrame = channels * height * width;
  const given: number[][] = [];
  let memory: Record<string, TensorData> = {};
  let at = 0;
  for (const [i, frames] of pieces.entries()) {
    const part = pieces.length === 1 ? "whole" : i === 0 ? "first" : "next";
    const { graph, memories } = build({ frames, height, width }, part);
    const out = await runGraph(graph, {
      [input]: data.slice(at * perFrame, (at + frames) * perFrame),
      ...memory,
    }, { weights: golden.weights, ...place });
    given.push([...out[output] as Float32Array]);
    memory = Object.fromEntries(memories.map(({ name }) => [name, out[`${name}.next`]!]));
    at += frames;
  }
  return given;
}

function decoding(cell: Passage["cell"], options: WanVaeOptions = {}): Passage {
  return {
    build: (shape, part) => wanVaeDecoder(config, shape, { ...options, part, output: "frames" }),
    input: "latents",
    output: "frames",
    cell,
  };
}

function encoding(
  output: "latents" | "mean",
  attention: "fused" | "composed" = "fused",
): Passage {
  return {
    build: (shape, part) => wanVaeEncoder(config, shape, { part, output, attention }),
    input: "frames",
    output,
    cell: [3, 16, 24],
  };
}

/** `[3, T, …]` to `[T, 3, …]`. */
function framesFirst(data: Float32Array, frames: number): Float32Array {
  const plane = data.length / 3 / frames;
  const result = new Float32Array(data.length);
  for (let channel = 0; channel < 3; channel++) {
    for (let frame = 0; frame < frames; frame++) {
      const from = (channel * frames + frame) * plane;
      result.set(data.subarray(from, from + plane), (frame * 3 + channel) * plane);
    }
  }
  return result;
}

for (const threads of [1, 2]) {
  Deno.test(`wanVaeDecoder() agrees with the reference whole and in pieces, at ${threads} threads`, async () => {
    const golden = await Golden.open("wan_vae");
    const latents = await golden.floats("in.latents");
    const expected = await golden.floats("out.decode_raw");
    const picture = 3 * 64 * 96;
    for (
      const [pieces, pictures] of [
        [[4], [13]],
        [[1, 1, 1, 1], [1, 4, 4, 4]],
        [[1, 3], [1, 12]],
        [[3, 1], [9, 4]],
        [[2, 2], [5, 8]],
      ] as const
    ) {
      const given = await inPieces(golden, decoding([16, 8, 12]), latents, pieces, { threads });
      assertEquals(given.map(({ length }) => length / picture), pictures);
      assertClose(given.flat(), expected, 2e-5, `pieces of ${pieces}`);
    }
  });

  Deno.test(`wanVaeEncoder() agrees with the reference whole and in pieces, at ${threads} threads`, async () => {
    const golden = await Golden.open("wan_vae");
    const frames = framesFirst(await golden.floats("in.video"), 13);
    for (const [output, name] of [["latents", "encode"], ["mean", "encode_mu"]] as const) {
      const expected = await golden.floats(`out.${name}`);
      for (const pieces of [[13], [1, 4, 4, 4], [5, 8], [9, 4], [1, 12]]) {
        const given = await inPieces(golden, encoding(output), frames, pieces, { threads });
        assertClose(given.flat(), expected, 2e-5, `${name} in pieces of ${pieces}`);
      }
    }
  });
}

Deno.test({
  name: "wanVaeDecoder() and wanVaeEncoder() agree with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  async fn() {
    const golden = await Golden.open("wan_vae");
    const latents = await golden.floats("in.small.latents");
    const passage = decoding([16, 2, 3], { attention: "composed" });
    const given = await inPieces(golden, passage, latents, [1, 5], { device: "webgpu" });
    assertClose(given.flat(), await golden.floats("out.small.decode_raw"), 1e-4, "decode");
    const frames = framesFirst(await golden.floats("in.video"), 13);
    const pictures = await inPieces(golden, encoding("mean", "composed"), frames, [1, 4], {
      device: "webgpu",
    });
    const expected = await golden.floats("out.encode_mu");
    assertClose(pictures.flat(), expected.slice(0, expected.length / 2), 1e-4, "encode");
  },
});

Deno.test("wanVaeDecoder() agrees with the reference on a longer clip, by either attention", async () => {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats("in.small.latents");
  const expected = await golden.floats("out.small.decode_raw");
  for (const attention of ["fused", "composed"] as const) {
    for (const pieces of [[6], [3, 3], [1, 5], [2, 1, 3]]) {
      const passage = decoding([16, 2, 3], { attention });
      const given = await inPieces(golden, passage, latents, pieces);
      assertClose(given.flat(), expected, 2e-5, `${attention} ${pieces}`);
    }
  }
});

Deno.test("wanVaeDecoder() gives the same pictures as bytes, pixel by pixel", async () => {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats("in.small.latents");
  const { graph } = wanVaeDecoder(config, { frames: 6, height: 2, width: 3 });
  const { rgb } = await runGraph(graph, { latents }, { weights: golden.weights });
  const planes = await golden.floats("out.small.decode_raw");
  const pixels = 16 * 24;
  const expected = Array.from({ length: rgb!.length }, (_, i) => {
    const [colour, pixel] = [i % 3, Math.floor(i / 3)];
    const [frame, place] = [Math.floor(pixel / pixels), pixel % pixels];
    const value = planes[(frame * 3 + colour) * pixels + place]!;
    return (Math.min(1, Math.max(-1, value)) + 1) * 127.5;
  });
  assertClose(rgb as Uint8Array, expected, 0.503, "rgb");
});

Deno.test("wanVaeEncoder() makes of one picture the clip's first latent frame", async () => {
  const golden = await Golden.open("wan_vae");
  const frames = framesFirst(await golden.floats("in.video"), 13);
  const [given] = await inPieces(golden, encoding("latents"), frames, [1]);
  assertClose(given!, (await golden.floats("out.encode")).subarray(0, 16 * 2 * 3), 2e-5, "image");
});

Deno.test("wanVaeEncoder() refuses clips that its steps do not divide", () => {
  assertThrows(
    () => wanVaeEncoder(config, { frames: 12, height: 16, width: 24 }),
    RangeError,
    "cannot encode 12 pictures of 16 × 24: expected a multiple of 4 pictures and one, the clip's first, and of 8 pixels both ways",
  );
  assertThrows(
    () => wanVaeEncoder(config, { frames: 5, height: 16, width: 24 }, { part: "next" }),
    RangeError,
    "expected a multiple of 4 pictures and of 8 pixels both ways",
  );
});

// The numbers are those of WanVAE_'s own module definitions, summed over every Parameter they declare.
Deno.test("wan2.1-vae is built at 832 × 480 with its number of parameters and caches", () => {
  const shape = { frames: 3, height: 60, width: 104 };
  const pictures = { whole: 9, first: 9, next: 12 };
  for (const part of ["whole", "first", "next"] as const) {
    const { graph, memories } = wanVaeDecoder(wan2_1_vae, shape, { part });
    const rgb = graph.outputs.find(({ name }) => name === "rgb")!;
    assertEquals(rgb.value.dims, [pictures[part], 480, 832, 3]);
    assertEquals(graph.parameterCount, 73_295_603);
    assertEquals(memories.length, part === "whole" ? 0 : 32);
  }
  const decoder = wanVaeDecoder(wan2_1_vae, shape).graph;
  const encoder = wanVaeEncoder(wan2_1_vae, { frames: 81, height: 480, width: 832 }).graph;
  assertEquals(encoder.outputs[0]!.value.dims, [21, 16, 60, 104]);
  assertEquals(decoder.parameterCount + encoder.parameterCount, 126_892_531);
  assertEquals(decoder.parameters.size + encoder.parameters.size, 194);
});
