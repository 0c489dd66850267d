import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { openDevice } from "../../engine/runtime/mod.ts";
import { openWeightFile } from "../../engine/weights/mod.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { Conditioning, Frames } from "../../pipeline/data.ts";
import { decoderModels } from "../../plugins/_models.ts";
import { Encoder } from "../../plugins/encode_picture/encoder.ts";
import encodePicture from "../../plugins/encode_picture/mod.ts";
import type { EncodePictureOptions } from "../../plugins/encode_picture/options.ts";
import { PictureStage } from "../../plugins/encode_picture/stage.ts";
import { encoderOf } from "../../plugins/encode_picture/networks.ts";
import { readClipEnd, readClipStart, readStill } from "../../plugins/encode_picture/read.ts";
import encodeVideo from "../../plugins/encode_video/mod.ts";
import { pipe } from "../../pipeline/pipe.ts";
import { parseConfig } from "../../pipeline/config.ts";
import { definePlugin } from "../../pipeline/define.ts";
import { z } from "zod";
import { wan2_1_vae, wanVaeEncoder } from "../../engine/networks/mod.ts";
import { assertClose, Golden } from "../_golden.ts";
import { runGraph } from "../_run_graph.ts";
import { assertNothingOpen } from "../_sluice.ts";
import { png } from "./_png.ts";

const { signal } = new AbortController();

async function inFolder(use: (file: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  try {
    await use((name) => join(folder, name));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes a clip of plain grey pictures, as bright as they are numbered. */
async function writeClip(path: string, levels: readonly number[], fps: number): Promise<void> {
  const shape = [levels.length, 32, 32, 3] as const;
  const data = new Uint8Array(levels.flatMap((level) => new Array(32 * 32 * 3).fill(level)));
  const frames: Frames = { index: 0, last: true, first: 0, shape, data, prompt: { text: "grey" } };
  const source = definePlugin({
    name: "source",
    summary: "Gives one chunk.",
    takes: "prompt",
    gives: "frames",
    options: z.object({}),
    create: () => ({
      name: "source",
      takes: "prompt" as const,
      gives: "frames" as const,
      async *process() {
        yield await Promise.resolve(frames);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  });
  await using open = await pipe(source(), encodeVideo({ path, fps, crf: 1 })).open({});
  await Array.fromAsync(open.run({ text: "grey" }));
}

function centre(pixels: Uint8Array, size: number): number[] {
  const at = (size / 2 * size + size / 2) * 3;
  return [...pixels.subarray(at, at + 3)];
}

for (const threads of [1, 2]) {
  Deno.test(`Encoder.encode() gives the latents of the embedded model's parity data, at ${threads} threads`, async () => {
    const golden = await Golden.open("embedded_parity");
    const video = await golden.floats("in.video");
    const model = decoderModels.embedded;
    const weights = await openWeightFile(fromFileUrl(model.weights));
    const area = 64 * 128;
    const pictures = Array.from({ length: 13 }, (_, i) => {
      const pixels = new Uint8Array(area * 3);
      for (let at = 0; at < pixels.length; at++) {
        pixels[at] = Math.round(video[(i * 3 + at % 3) * area + Math.floor(at / 3)]! * 255);
      }
      return pixels;
    });
    {
      await using device = await openDevice("cpu", { threads });
      const size = { height: 64, width: 128 };
      await using encoder = await Encoder.load(device, encoderOf(model), weights, size);
      const wanted = await golden.floats("out.encode");
      for (let run = 0; run < 2; run++) { // the second begins anew
        const { data, shape } = await encoder.encode(pictures);
        assertEquals(shape, [4, 16, 4, 8]);
        const worst = data.reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i]!)), 0);
        // Pictures of bytes differ by up to half a level from the data's.
        assertEquals(worst < 0.02, true, `latents differ by ${worst}`);
      }
      await assertRejects(() => encoder.encode(pictures.slice(0, 12)), RangeError, "12 pictures");
    }
    assertNothingOpen();
  });
}

for (const threads of [1, 2]) {
  Deno.test(`Encoder.encode() goes through Wan's VAE picture by picture as a whole clip does, at ${threads} threads`, async () => {
    const golden = await Golden.open("wan_vae");
    const sizes = { ...wan2_1_vae, dim: 6 };
    const [height, width] = [16, 24];
    const area = height * width;
    const pictures = Array.from(
      { length: 9 },
      (_, i) => Uint8Array.from({ length: area * 3 }, (_, at) => (at * 7 + i * 31) % 256),
    );
    const frames = Float32Array.from({ length: 9 * 3 * area }, (_, i) => {
      const [picture, colour, pixel] = [
        Math.floor(i / area / 3),
        Math.floor(i / area) % 3,
        i % area,
      ];
      return pictures[picture]![pixel * 3 + colour]! / 127.5 - 1;
    });
    const whole = wanVaeEncoder(sizes, { frames: 9, height, width }).graph;
    const { latents } = await runGraph(whole, { frames }, { weights: golden.weights });
    await using device = await openDevice("cpu", { threads });
    const network = encoderOf({ kind: "wan-vae", sizes });
    await using encoder = await Encoder.load(device, network, golden.weights, { height, width });
    const { data, shape } = await encoder.encode(pictures);
    assertEquals(shape, [3, 16, 2, 3]);
    assertClose(data, latents as Float32Array, 2e-5, "latents");
  });
}

Deno.test("readStill() cuts to the middle and resizes", async () => {
  await inFolder(async (file) => {
    // Three stripes, of which only the middle one stays.
    const colours = [[255, 0, 0], [0, 200, 40], [0, 0, 255]] as const;
    await Deno.writeFile(file("wide.png"), png(300, 100, (x) => colours[Math.floor(x / 100)]!));
    await Deno.writeFile(file("tall.png"), png(40, 120, (_, y) => colours[Math.floor(y / 40)]!));
    for (const name of ["wide.png", "tall.png"]) {
      const pixels = await readStill(file(name), { height: 64, width: 64, signal });
      assertEquals(pixels.length, 64 * 64 * 3);
      for (const place of [0, 2080, 64 * 64 - 1]) {
        const [red, green, blue] = pixels.subarray(place * 3, place * 3 + 3);
        if (place === 2080) assertEquals([red! < 3, Math.abs(green! - 200) < 3], [true, true]);
        // At the edge the neighbour's colour may shine in.
        assertEquals(green! > 100 && blue! < 150, true, `${name}: ${red}, ${green}, ${blue}`);
      }
    }
  });
});

Deno.test("readClipEnd() takes the last pictures at the wanted rate", async () => {
  await inFolder(async (file) => {
    const levels = Array.from({ length: 20 }, (_, i) => 20 + 10 * i);
    await writeClip(file("a.mp4"), levels, 16);
    const grey = async (fps: number, most: number) => {
      const end = await readClipEnd(file("a.mp4"), { height: 32, width: 32, fps, most, signal });
      return end.map((pixels) => Math.round((centre(pixels, 32)[0]! - 20) / 10));
    };
    assertEquals(await grey(16, 5), [15, 16, 17, 18, 19]);
    assertEquals((await grey(16, 50)).length, 20);
    assertEquals(await grey(8, 4), [13, 15, 17, 19]);
    assertEquals(await grey(32, 4), [17, 18, 18, 19]); // pictures stay
  });
});

Deno.test("readClipStart() takes the first pictures at the wanted rate, and says whether more follow", async () => {
  await inFolder(async (file) => {
    await writeClip(file("a.mp4"), Array.from({ length: 20 }, (_, i) => 20 + 10 * i), 16);
    const grey = async (fps: number, most: number) => {
      const wanted = { height: 32, width: 32, fps, most, signal };
      const { pictures, more } = await readClipStart(file("a.mp4"), wanted);
      return [pictures.map((pixels) => Math.round((centre(pixels, 32)[0]! - 20) / 10)), more];
    };
    assertEquals(await grey(16, 5), [[0, 1, 2, 3, 4], true]);
    const all = Array.from({ length: 20 }, (_, i) => i);
    assertEquals(await grey(16, 20), [all, false]);
    assertEquals(await grey(16, 21), [all, false]);
    assertEquals(await grey(32, 4), [[0, 0, 1, 1], true]); // pictures stay
  });
});

/** A small PNG that says that it is large. */
function claiming(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = png(8, 8, () => [0, 0, 0]);
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  return bytes;
}

const MISTAKES: [name: string, content: Uint8Array<ArrayBuffer> | undefined, message: string][] = [
  ["none.png", undefined, "There is no file"],
  ["empty.png", new Uint8Array(), "cannot be read as a picture"],
  ["words.png", new TextEncoder().encode("no picture\n".repeat(99)), "cannot be read as a picture"],
  [
    "list.png",
    new TextEncoder().encode("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n"),
    "cannot be",
  ],
  ["half.png", png(64, 64, (x, y) => [x, y, x ^ y]).slice(0, 40), "picture"],
  ["wide.png", png(8200, 600, () => [1, 2, 3]), "8200 × 600 pixels: expected at most 8192"],
  ["bomb.png", claiming(20_000, 20_000), "nothing in it of at most 8192 pixels a side"],
  ["line.png", png(4000, 2, () => [1, 2, 3]), "no side longer than 16 times the other"],
];
for (const [name, content, message] of MISTAKES) {
  Deno.test(`readStill() refuses ${name}: ${message}`, async () => {
    await inFolder(async (file) => {
      if (content) await Deno.writeFile(file(name), content);
      const reading = () => readStill(file(name), { height: 64, width: 64, signal });
      await assertRejects(reading, UserError, message);
    });
  });
}

Deno.test("readStill() refuses a file of more than 200 MB without reading it", async () => {
  await inFolder(async (file) => {
    await Deno.writeFile(file("huge.png"), png(8, 8, () => [0, 0, 0]));
    await Deno.truncate(file("huge.png"), 201e6);
    const reading = () => readStill(file("huge.png"), { height: 64, width: 64, signal });
    await assertRejects(reading, UserError, "huge.png has 201 MB: expected at most 200");
  });
});

/** What the stage makes of prompts. */
async function staged(
  prompts: readonly Conditioning["prompt"][],
  options: Parameters<typeof encodePicture>[0] = {},
): Promise<{ given: (Conditioning["given"])[]; warnings: string[] }> {
  const { plugin, options: chosen } = encodePicture(options);
  await using stage = await plugin.create(chosen as never, {
    device: "cpu",
    threads: 2,
    directory: dirname(fromFileUrl(import.meta.url)),
    signal,
    warn: () => {},
  });
  const warnings: string[] = [];
  async function* conditionings() {
    for (const prompt of prompts) {
      yield await Promise.resolve({
        prompt,
        embeddings: new Float32Array(4),
        tokens: 2,
        channels: 2,
        length: 1,
      });
    }
  }
  const context = {
    signal,
    stop: signal,
    whenRunning: () => Promise.resolve(),
    report: (event: { type: string; message?: string }) => void warnings.push(event.message ?? ""),
  };
  const out = await Array.fromAsync(stage.process(conditionings(), context));
  return { given: out.map(({ given }: Conditioning) => given), warnings };
}

Deno.test("encode-picture gives a chunk of the picture, or one latent frame, and passes other prompts on", async () => {
  await inFolder(async (file) => {
    await Deno.writeFile(file("a.png"), png(128, 128, (x) => [x, 100, 30]));
    const image = file("a.png");
    const { given, warnings } = await staged([{ text: "a", image }, { text: "b", image }]);
    assertEquals(given.map((one) => one?.shape), [[3, 16, 8, 8], undefined]);
    assertEquals(warnings, [
      "The picture or clip of a later prompt is not seen: a video begins once.",
    ]);
    const one = await staged([{ text: "a", image }], { independentFirstFrame: true });
    assertEquals(one.given[0]!.shape, [1, 16, 8, 8]);
    const cells = 16 * 64;
    for (let i = 0; i < cells; i++) {
      assertAlmostEquals(one.given[0]!.data[i]!, given[0]!.data[i]!, 1e-5);
    }
    assertEquals((await staged([{ text: "a" }])).given, [undefined]);
  });
  assertNothingOpen();
});

Deno.test("encode-picture gives whole chunks of a clip's end; a short clip stands still at first", async () => {
  await inFolder(async (file) => {
    const clip = async (pictures: number) => {
      const levels = Array.from({ length: pictures }, (_, i) => 20 + 8 * i);
      await writeClip(file(`${pictures}.mp4`), levels, 16);
      return (await staged([{ text: "a", video: file(`${pictures}.mp4`) }])).given[0]!.shape[0];
    };
    assertEquals(await clip(25), 6);
    assertEquals(await clip(20), 3);
    assertEquals(await clip(2), 3);
    const both = { text: "a", image: "a.png", video: "a.mp4" };
    await assertRejects(() => staged([both]), UserError, "not with both");
    const few = () => staged([{ text: "a", video: "a.mp4" }], { most: 2 });
    await assertRejects(
      few,
      UserError,
      "of its latent frames 2 are taken at most, less than a chunk of 3. Take more: --set encode-picture.most=3",
    );
  });
});

Deno.test("encode-picture gives a clip from its beginning on where there is a strength", async () => {
  await inFolder(async (file) => {
    const clip = async (
      pictures: number,
      options: Parameters<typeof encodePicture>[0] = {},
      strength?: number,
    ) => {
      const video = file(`${pictures}.mp4`);
      await writeClip(video, Array.from({ length: pictures }, (_, i) => 20 + 4 * i), 16);
      const prompt = { text: "a", video, ...(strength !== undefined && { strength }) };
      const { given: [given], warnings } = await staged([prompt], options);
      return { frames: given!.shape[0], strength: given!.strength, data: given!.data, warnings };
    };
    const parts = ({ frames, strength, warnings }: Awaited<ReturnType<typeof clip>>) => [
      frames,
      strength,
      warnings.map((message) => message.replace(/ of \S+ are/, " are")),
    ];
    const long = await clip(45, {}, 0.5);
    assertEquals(parts(long), [12, 0.5, []]);
    const cut = await clip(45, { most: 7 }, 0.5);
    assertEquals(parts(cut), [6, 0.5, [
      "Only the first 21 pictures are made over: the video may not be longer (diffuse.latent-frames, encode-picture.most).",
    ]]);
    // The same pictures, from the first on: the encoder is causal but for the clip's end.
    assertEquals(cut.data.slice(0, 1024), long.data.slice(0, 1024));
    assertEquals(parts(await clip(26, {}, 0.5)), [6, 0.5, [
      "Only the first 21 pictures are made over: the rest fills no whole chunk.",
    ]]);
    // A short clip stands still in the end.
    assertEquals(parts(await clip(2, {}, 0.5)), [3, 0.5, []]);
    assertEquals(parts(await clip(30, { chunk: 1 }, 0.5)).slice(0, 2), [8, 0.5]);
    // The option stands in for the prompt's.
    assertEquals(parts(await clip(9, { strength: 0.75 })), [3, 0.75, []]);
    assertEquals(parts(await clip(9, { strength: 0.75 }, 0.25)), [3, 0.25, []]);
    assertEquals(parts(await clip(9)), [3, undefined, []]);
  });
});

Deno.test("encode-picture takes sizes in the words of decode, and refuses others in them", async () => {
  const parse = (sizes: string) =>
    parseConfig(
      `name: sizes
stages:
  - use: encode-picture
    with: { network: wan2.1-vae, sizes: ${sizes} }
`,
      { plugins: [encodePicture], file: "sizes.yaml" },
    );
  const [stage] = (await parse("{ num-res-blocks: 1, z-dim: 4 }")).stages;
  const { sizes } = stage!.spec.options as EncodePictureOptions;
  assertEquals(sizes, { numResBlocks: 1, zDim: 4 });
  await assertRejects(() => parse("{ z-dim: four }"), UserError, "z-dim: expected a number, got");
  await assertRejects(
    () => parse("{ zdim: 4 }"),
    UserError,
    'sizes.zdim: there is no such option. Did you mean "dim"?',
  );
  const { options } = (await parse("{ patch-size: 2 }")).stages[0]!.spec;
  assertThrows(
    () => new PictureStage(options as EncodePictureOptions, {} as never),
    UserError,
    'Cannot set encode-picture.sizes.patch-size: the network "wan2.1-vae" has dim, z-dim, dim-mult',
  );
});
