import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { checkMemory, memoryLines, memoryPlan } from "../../cli/memory.ts";
import { plugins } from "../../mod.ts";
import { type Config, loadConfig } from "../../pipeline/config.ts";
import { UserError } from "../../pipeline/errors.ts";
import { plannedPrecision } from "../../plugins/_precision.ts";
import type { MemoryPlan } from "../../cli/memory.ts";

function load(name: string, set: readonly string[] = []): Promise<Config> {
  const path = new URL(`../../configs/${name}.yaml`, import.meta.url).pathname;
  return loadConfig(path, { plugins, set });
}

function bytes({ stages }: MemoryPlan, stage: string, part: string): number {
  const found = stages.find((each) => each.stage === stage);
  return found?.parts.find(({ name }) => name === part)?.bytes ?? NaN;
}

/** The text encoder as the processor computes it exactly. */
const WHOLE = "encode-text.precision=auto";

Deno.test("memoryPlan() reckons the published model's parts", async () => {
  const plan = await memoryPlan(await load("self_forcing_dmd", [WHOLE]));
  // 21 frames of 30 · 52 tokens, keys and values of 30 layers, 1,536 channels of float32.
  assertEquals(bytes(plan, "diffuse", "key-value cache"), 21 * 1560 * 2 * 30 * 1536 * 4);
  assertEquals(bytes(plan, "diffuse", "text's keys and values"), 512 * 2 * 30 * 1536 * 4);
  assertEquals(bytes(plan, "diffuse", "weights"), 1_418_996_800 * 4);
  // The table of the vocabulary, which is only gathered from, stays in its two bytes.
  const table = 256_384 * 4096;
  assertEquals(bytes(plan, "encode-text", "weights"), (5_680_910_336 - table) * 4 + table * 2);
  const parts = plan.stages.flatMap(({ parts }) => parts);
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  assertAlmostEquals(plan.peaks.cpu!, all + 250e6, 1);
  // The text encoder is freed before the video is made.
  const passing = parts.filter(({ passing }) => passing).map(({ name }) => name);
  assertEquals(passing, ["weights", "activations"]);
  assert(plan.peaks.cpu! - plan.lasting.cpu! > bytes(plan, "encode-text", "weights"));
  const kept = await memoryPlan(await load("self_forcing_dmd", ["encode-text.keep=true"]));
  assertEquals(kept.lasting, kept.peaks);
});

Deno.test("memoryPlan() of the published configs fits a card of 24 GB at 832 × 480 and 81 pictures", async () => {
  for (const name of ["self_forcing_dmd", "self_forcing_sid", "self_forcing_dmd_vae"]) {
    // Whatever an adapter here computes in.
    const config = await load(name, [
      "diffuse.precision=float16",
      "decode.precision=float16",
    ]);
    const { height, width, latentFrames } = config.stages.find(({ spec }) =>
      spec.plugin.name === "diffuse"
    )!.spec.options as Record<string, unknown>;
    assertEquals([height ?? 480, width ?? 832, latentFrames], [480, 832, 21]);
    for (const device of ["cuda", "webgpu"]) {
      const { peaks, lasting } = await memoryPlan(config, device);
      assert(peaks[device]! < 24e9, `${name} on ${device}: ${peaks[device]}`);
      assert(peaks[device]! > lasting[device]!, name);
    }
  }
});

Deno.test("memoryPlan() reckons the text encoder in 16, 8 and 4 bits", async () => {
  const linear = 24 * 4096 * (4 * 4096 + 3 * 10240);
  const table = 256_384 * 4096;
  // Norms and position biases are in float32 in all of them.
  const rest = 5_680_910_336 - linear - table;
  const near = async (device: string, precision: string, expected: number) => {
    const set = [`encode-text.precision=${precision}`];
    const plan = await memoryPlan(await load("self_forcing_dmd", set), device);
    const found = bytes(plan, "encode-text", "weights");
    assertAlmostEquals(found, expected, 4 * rest, `${device}, ${precision}`);
  };
  await near("cuda", "float16", 2 * (linear + table));
  await near("cuda", "int8", (1 + 2 / 32) * linear + 2 * table);
  await near("cuda", "int4", (1 / 2 + 2 / 32) * linear + 2 * table);
  await near("cpu", "int8", (1 + 4 / 32) * linear + 2 * table);
  const float = await plannedPrecision("webgpu", "auto") === "float16" ? 2 : 4;
  await near("webgpu", "int4", (1 / 2 + float / 32) * linear + float * table);
  // The processor widens float16 when it loads it.
  await near("cpu", "float16", 4 * linear + 2 * table);
});

Deno.test("memoryPlan() reckons a network that makes the whole clip at once", async () => {
  const whole = await memoryPlan(await load("wan2.1_t2v_1.3b"));
  const parts = whole.stages.find(({ stage }) => stage === "diffuse")!.parts;
  assertEquals(parts.map(({ name }) => name), ["weights", "text's keys and values", "activations"]);
  // Two prompts, without a cache of latents.
  assertEquals(bytes(whole, "diffuse", "text's keys and values"), 2 * 512 * 2 * 30 * 1536 * 4);
  assertEquals(bytes(whole, "diffuse", "weights"), 1_418_996_800 * 4);
  // Every token of the clip at once: its values grow with its length.
  const half = await memoryPlan(await load("wan2.1_t2v_1.3b", ["diffuse.latent-frames=11"]));
  const ratio = bytes(whole, "diffuse", "activations") / bytes(half, "diffuse", "activations");
  assertAlmostEquals(ratio, 21 / 11, 0.01);
  const alone = await memoryPlan(await load("wan2.1_t2v_1.3b", ["diffuse.guidance=1"]));
  assertEquals(bytes(alone, "diffuse", "text's keys and values"), 512 * 2 * 30 * 1536 * 4);
});

Deno.test("memoryPlan() follows options: window, guidance, size of the pictures, devices", async () => {
  const usual = await memoryPlan(await load("self_forcing_dmd"));
  const cache = bytes(usual, "diffuse", "key-value cache");
  const of = async (...set: string[]) => await memoryPlan(await load("self_forcing_dmd", set));
  const short = await of("diffuse.window=7");
  assertEquals(bytes(short, "diffuse", "key-value cache"), cache / 3);
  const guided = await of("diffuse.sampler=unipc", "diffuse.steps=50", "diffuse.guidance=3");
  assertEquals(bytes(guided, "diffuse", "key-value cache"), 2 * cache);
  const small = await of("diffuse.height=240", "diffuse.width=416");
  assertEquals(bytes(small, "diffuse", "key-value cache"), cache * 15 * 26 / 1560);
  assertAlmostEquals(
    bytes(small, "decode", "memories") / bytes(usual, "decode", "memories"),
    0.25,
    1e-9,
  );
  const apart = await of("encode-text.device=webgpu", "encode-text.precision=float32");
  assertEquals(Object.keys(apart.peaks).toSorted(), ["cpu", "webgpu"]);
  // There a table is widened as a whole.
  assertEquals(bytes(apart, "encode-text", "weights"), 5_680_910_336 * 4);
});

Deno.test("memoryPlan() counts a decoder's weights once for each length of its pieces", async () => {
  const weights = async (name: string, batch: number) =>
    bytes(await memoryPlan(await load(name, [`decode.batch=${batch}`])), "decode", "weights");
  // Chunks are of 3 latent frames: pieces of 2 leave one of 1.
  assertEquals(await weights("embedded", 2), 2 * await weights("embedded", 3));
  assertEquals(await weights("embedded", 1), await weights("embedded", 3));
  // Wan's VAE has one more for the first piece, of nearly as many.
  const ratio = await weights("self_forcing_dmd_vae", 2) / await weights("self_forcing_dmd_vae", 1);
  assertAlmostEquals(ratio, 3 / 2, 0.03);
});

Deno.test("memoryPlan() counts what the runtime takes on a CPU beside the values that are alive", async () => {
  const precision = (stage: string) => `${stage}.precision=float32`;
  const of = async (device: string) =>
    await memoryPlan(
      await load("self_forcing_dmd_vae", [
        ...[WHOLE, precision("diffuse"), precision("decode")],
        ...["encode-text", "diffuse", "decode"].map((stage) => `${stage}.device=${device}`),
      ]),
    );
  const [cpu, cuda] = [await of("cpu"), await of("cuda")];
  for (const stage of ["diffuse", "decode"]) {
    const [more, less] = [cpu, cuda].map((plan) => bytes(plan, stage, "activations"));
    assertAlmostEquals(more! / less!, 2.2, 1e-9, stage);
  }
  // What a convolution over time sees of 4 pictures at full size, 96 channels of three pictures each, is copied once.
  const seen = 4 * 3 * 96 * 480 * 832 * 4;
  assert(bytes(cuda, "decode", "activations") > 2 * seen);
});

Deno.test("memoryLines() shows every part and the peak", async () => {
  const lines = memoryLines(await memoryPlan(await load("self_forcing_dmd_vae"))).join("\n");
  for (
    const words of [
      "key-value cache",
      "12.1 GB",
      "7.31 GB",
      "11,361.8 MB of bfloat16 in the file, int8 at work; freed after use",
      "memories",
      "peak on cpu: about 40.8 GB at the most, 32.8 GB while the video is made",
    ]
  ) assertStringIncludes(lines, words);
  const plan = await memoryPlan(await load("self_forcing_dmd"), "cuda:1");
  const last = memoryLines(plan, { "cuda:1": 80e9 }).at(-1);
  const peak = "peak on cuda:1: about 17.1 GB at the most, 9.77 GB while the video is made";
  assertEquals(last, `${peak}; there are 80.0 GB`);
});

Deno.test("checkMemory() refuses what cannot fit, with what to change", async () => {
  const config = await load("self_forcing_dmd_vae", [WHOLE]);
  const error = await assertRejects(() => checkMemory(config, undefined, 32e9), UserError);
  for (
    const words of [
      "does not fit into this machine: it needs about 53.9 GB",
      "there are 32.0 GB",
      "encode-text's weights 20.6 GB, diffuse's key-value cache 12.1 GB",
      "--set encode-text.precision=int8 (saves 13.1 GB), --set encode-text.precision=int4 (saves",
      "--set diffuse.window=9 saves 6.90 GB",
      "the decoder taew2.1",
      "--overcommit",
    ]
  ) assertStringIncludes(error.message, words);
  // A shorter memory has room for the sink and a chunk behind it.
  const sunk = await load("self_forcing_dmd_vae", [WHOLE, "diffuse.sink=12"]);
  const other = await assertRejects(() => checkMemory(sunk, undefined, 32e9), UserError);
  assertStringIncludes(other.message, "--set diffuse.window=15 saves 3.45 GB");
  await checkMemory(config, undefined, 64e9);
  // Elsewhere than in this machine's memory, on a card that nobody knows.
  await checkMemory(config, "cuda:0", 16e9, () => Promise.resolve({}));
});

Deno.test("checkMemory() refuses what cannot fit into a card, with precisions that would", async () => {
  const config = await load("self_forcing_dmd_vae", [
    "encode-text.precision=float16",
    "diffuse.precision=float32",
  ]);
  const cards = () => Promise.resolve({ "cuda": 24e9, "cuda:1": 80e9 });
  const error = await assertRejects(() => checkMemory(config, "cuda", 16e9, cards), UserError);
  for (
    const words of [
      "does not fit into the card cuda: it needs about 34",
      "there are 24.0 GB",
      "--set encode-text.precision=int8 (saves 4.26 GB), --set encode-text.precision=int4 (saves 6.57 GB)",
      "--set diffuse.precision=float16 (saves 9.1",
      "--set diffuse.window=9",
    ]
  ) assertStringIncludes(error.message, words);
  assertEquals(error.message.includes("decode.precision"), false);
  await checkMemory(config, "cuda:1", 16e9, cards);
  // On its way to the card it passes through the machine's memory.
  const small = await assertRejects(() => checkMemory(config, "cuda:1", 8e9, cards), UserError);
  assertStringIncludes(small.message, "does not fit into this machine");
  assertStringIncludes(small.message, "encode-text's weights on their way 9.26 GB");
  assertStringIncludes(small.message, "encode-text.precision=int8");
  assertEquals(small.message.includes("diffuse.window"), false);
  const shared = await load("self_forcing_dmd_vae", ["encode-text.device=cuda"]);
  const machine = await assertRejects(
    () => checkMemory(shared, "cpu", 8e9, () => Promise.resolve({ cuda: 8e9 })),
    UserError,
  );
  // What stands on the card is no way out for the machine.
  assertStringIncludes(machine.message, "does not fit into this machine");
  assertEquals(machine.message.includes("encode-text.precision"), false);
  await checkMemory(shared, "cpu", 64e9, () => Promise.resolve({ cuda: 8e9 }));
  await assertRejects(
    () => checkMemory(shared, "cpu", 64e9, () => Promise.resolve({ cuda: 7e9 })),
    UserError,
    "does not fit into the card cuda",
  );
});

Deno.test("checkMemory() offers smaller pictures where the whole clip is made at once, without a cache", async () => {
  const config = await load("wan2.1_t2v_1.3b");
  const error = await assertRejects(() => checkMemory(config, undefined, 8e9), UserError);
  assertStringIncludes(
    error.message,
    "smaller pictures (--set diffuse.height=… --set diffuse.width=…)",
  );
});
