/** The option `precision` of the stages that compute. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { diffusionMemory } from "../../plugins/diffuse/memory.ts";
import { exportDecoder } from "../../plugins/decode/export.ts";
import { decoderMemory } from "../../plugins/decode/memory.ts";
import { openDevice } from "../../engine/runtime/mod.ts";
import { writeSafetensors } from "../../engine/weights/mod.ts";
import type { CreateContext, Latents, Prompt, RunContext } from "../../pipeline/mod.ts";
import { UserError } from "../../pipeline/mod.ts";
import { choosePrecision, plannedPrecision, precisionOption } from "../../plugins/_precision.ts";
import { decodeOptions } from "../../plugins/decode/options.ts";
import { DecodeStage } from "../../plugins/decode/stage.ts";
import { diffuseOptions } from "../../plugins/diffuse/options.ts";
import { DiffuseStage } from "../../plugins/diffuse/stage.ts";
import { encodePictureOptions } from "../../plugins/encode_picture/options.ts";
import { PictureStage } from "../../plugins/encode_picture/stage.ts";
import { assertClose, distance, Golden } from "../_golden.ts";
import { webgpuIsHere } from "../_webgpu.ts";
import { png } from "./_png.ts";

const { signal } = new AbortController();
const context: CreateContext = {
  device: "cpu",
  threads: 2,
  directory: new URL("../golden", import.meta.url).pathname,
  signal,
  warn: () => {},
};
const run: RunContext = {
  signal,
  stop: signal,
  whenRunning: () => Promise.resolve(),
  report: () => {},
};
const prompt: Prompt = { text: "", seed: 1 };

Deno.test("precision is auto, float32 or float16", () => {
  assertEquals(precisionOption.parse(undefined), "auto");
  assertThrows(() => precisionOption.parse("float8"), Error, "float16");
});

Deno.test("choosePrecision() leaves the CPU at float32 unless float16 is asked for", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  assertEquals(await choosePrecision(device), "float32");
  assertEquals(await choosePrecision(device, "auto"), "float32");
  assertEquals(await choosePrecision(device, "float16"), "float16");
});

Deno.test("plannedPrecision() expects 16-bit floats of cards", async () => {
  assertEquals(await plannedPrecision("cpu", "auto"), "float32");
  assertEquals(await plannedPrecision("cuda:1", "auto"), "float16");
  assertEquals(await plannedPrecision("cuda", "float32"), "float32");
  assertEquals(await plannedPrecision("cpu", "float16"), "float16");
});

Deno.test("plannedPrecision() opens a graphics adapter to see what it computes in, and closes it", async () => {
  let opened = 0;
  // The processor has no use for 16-bit floats, as some adapters: it stands in for one of them.
  const open = () => {
    opened++;
    return openDevice("cpu", { threads: 1 });
  };
  assertEquals(await plannedPrecision("webgpu", "auto", open), "float32");
  assertEquals(opened, 1);
  assertEquals(await plannedPrecision("webgpu", "float16", open), "float16");
  assertEquals(opened, 1, "nobody asks where the type is given");
  const missing = () => Promise.reject(new Error("no adapter"));
  assertEquals(await plannedPrecision("webgpu", "auto", missing), "float16");
});

Deno.test({
  name: "plannedPrecision() says of the adapter what choosePrecision() says",
  ignore: !await webgpuIsHere(),
  fn: async () => {
    await using device = await openDevice("webgpu");
    assertEquals(await plannedPrecision("webgpu", "auto"), await choosePrecision(device));
  },
});

Deno.test("a stage in float16 refuses a weight that is beyond it by name, and takes it in float32", async () => {
  const golden = await Golden.open("wan_vae");
  const folder = await Deno.makeTempDir();
  try {
    const weights = `${folder}/large.safetensors`;
    const tensors = [];
    for (const name of golden.weights.tensors.keys()) {
      const tensor = await golden.weights.read(name);
      if (name === "decoder.conv1.bias") (tensor.data as Float32Array)[3] = -7e4;
      tensors.push([name, tensor] as const);
    }
    await writeSafetensors(weights, tensors);
    await decoded({ weights, precision: "float32" });
    await assertRejects(
      () => decoded({ weights, precision: "float16" }),
      UserError,
      'not finite in float16: "decoder.conv1.bias" at [3] is beyond 65504',
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what is exported is float32 unless float16 is asked for", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [precision, dtype] of [["auto", "float32"], ["float16", "float16"]]) {
      const { networks } = await exportDecoder(decodeOptions.parse({ precision }), {
        folder,
        directory: ".",
        signal,
        wants: () => true,
        takes: [3, 16, 8, 8],
      } as never);
      const { inputs, outputs } = networks[0]!;
      const types = (values: typeof inputs, name: string) =>
        new Set(values.filter((value) => value.name.includes(name)).map(({ dtype }) => dtype));
      assertEquals(types(inputs, "memory"), new Set([dtype]));
      assertEquals(types(outputs, "memory"), new Set([dtype]));
      assertEquals(types(inputs, "latents"), new Set(["float32"]));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Pictures of the Wan VAE's golden latents. */
async function decoded(options: Record<string, unknown>): Promise<number[]> {
  const golden = await Golden.open("wan_vae");
  const latents = await golden.floats("in.latents");
  const chunks = async function* (): AsyncGenerator<Latents> {
    const shape = [4, 16, 8, 12] as const;
    yield await Promise.resolve({ index: 0, last: true, data: latents, shape, prompt });
  };
  await using stage = await DecodeStage.create(
    decodeOptions.parse({
      network: "wan2.1-vae",
      weights: "wan_vae.safetensors#weights",
      sizes: { dim: 6 },
      batch: 1,
      ...options,
    }),
    context,
  );
  const given = await Array.fromAsync(stage.process(chunks(), run));
  return given.flatMap(({ data }) => [...data]);
}

Deno.test("decode in float16 on the CPU gives the pictures of float32, but for a step here and there", async () => {
  const [wide, narrow] = [await decoded({}), await decoded({ precision: "float16" })];
  assertClose(narrow, wide, 2, "bytes");
  const changed = narrow.filter((value, i) => value !== wide[i]).length;
  assert(changed > 0, "expected that something was rounded");
  assert(changed < narrow.length / 20, `${changed} of ${narrow.length} bytes differ`);
});

Deno.test("diffuse in float16 on the CPU stays near float32, its cache in float16 too", async () => {
  const golden = await Golden.open("embedded_parity");
  const embeddings = await golden.part("out.prompt_embeds", 0, 2);
  const latents = async (precision: string) => {
    const options = diffuseOptions.parse({ latentFrames: 9, precision });
    await using stage = await DiffuseStage.create(options, context);
    const input = async function* () {
      const tokens = 32;
      const channels = embeddings.length / tokens;
      yield await Promise.resolve({ prompt, embeddings, tokens, channels, length: tokens });
    };
    const chunks = await Array.fromAsync(stage.process(input(), run));
    return chunks.flatMap(({ data }) => [...data]);
  };
  const [wide, narrow] = [await latents("float32"), await latents("float16")];
  const apart = distance(narrow, wide);
  assert(apart > 1e-4 && apart < 0.1, `expected the error of 16 bits, got ${apart}`);
});

Deno.test("encode-picture in float16 on the CPU stays near float32", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const image = `${folder}/picture.png`;
    await Deno.writeFile(image, png(128, 128, (x, y) => [x * 2, y * 2, (x ^ y) % 256]));
    const given = async (precision: string) => {
      await using stage = new PictureStage(encodePictureOptions.parse({ precision }), context);
      const input = async function* () {
        const embeddings = new Float32Array(4);
        const asked = { ...prompt, image };
        yield await Promise.resolve({
          prompt: asked,
          embeddings,
          tokens: 1,
          channels: 4,
          length: 1,
        });
      };
      const [conditioning] = await Array.fromAsync(stage.process(input(), run));
      return conditioning!.given!.data;
    };
    const apart = distance(await given("float16"), await given("float32"));
    assert(apart > 1e-5 && apart < 0.05, `expected the error of 16 bits, got ${apart}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("float16 halves what the memory plan has of caches, memories and products' weights", async () => {
  const part = (
    parts: readonly { readonly name: string; readonly bytes: number }[],
    name: string,
  ) => parts.find((each) => each.name === name)!.bytes;
  const diffusing = async (device: string, precision: string) => {
    const options = diffuseOptions.parse({ network: "wan2.1-1.3b", steps: [1000, 500], precision });
    return (await diffusionMemory(options, { device, directory: "." } as never)).parts;
  };
  const narrow = await diffusing("cuda", "auto");
  const wide = await diffusing("cpu", "auto");
  assertEquals(part(narrow, "key-value cache"), 21 * 1560 * 2 * 30 * 1536 * 2);
  assertEquals(part(wide, "key-value cache"), 21 * 1560 * 2 * 30 * 1536 * 4);
  assertEquals(part(narrow, "text's keys and values"), 512 * 2 * 30 * 1536 * 2);
  // The blocks' products are nearly all of the weights; what stays float32 makes the rest.
  const share = part(narrow, "weights") / part(wide, "weights");
  assert(share > 0.5 && share < 0.52, `got ${share}`);
  assertEquals(part(await diffusing("cuda", "float32"), "weights"), part(wide, "weights"));
  const decoding = async (precision: string) => {
    const options = decodeOptions.parse({ network: "wan2.1-vae", precision });
    return (await decoderMemory(options, { device: "cuda", directory: "." } as never)).parts;
  };
  const [half, whole] = [await decoding("float16"), await decoding("float32")];
  for (const name of ["memories", "weights"]) {
    assertEquals(part(half, name), part(whole, name) / 2, name);
  }
});

Deno.test({
  name: "an adapter without 16-bit floats takes float32 by itself, and refuses float16 by name",
  ignore: !await webgpuIsHere() ||
    !(Deno.env.get("VK_DRIVER_FILES") ?? "").includes("swiftshader"),
  fn: async () => {
    await using device = await openDevice("webgpu");
    assertEquals(await choosePrecision(device, "auto"), "float32");
    assertEquals(await choosePrecision(device, "float32"), "float32");
    await assertRejects(
      () => decoded({ device: "webgpu", precision: "float16" }),
      UserError,
      "The device webgpu has no 16-bit floats, which precision: float16 asks for: choose precision: float32.",
    );
  },
});
