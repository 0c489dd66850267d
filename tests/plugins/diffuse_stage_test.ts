import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { StageEvent } from "../../pipeline/events.ts";
import {
  type Conditioning,
  type GivenLatents,
  type Latents,
  type Prompt,
  UserError,
} from "../../pipeline/mod.ts";
import { diffuseOptions } from "../../plugins/diffuse/options.ts";
import { DiffuseStage } from "../../plugins/diffuse/stage.ts";
import { encodeTextOptions } from "../../plugins/encode_text/options.ts";
import { TextStage } from "../../plugins/encode_text/stage.ts";
import { distance } from "../_golden.ts";

const { signal } = new AbortController();
const create = { device: "cpu", threads: 2, directory: ".", signal } as never;
const runContext = (events: StageEvent[] = []) => ({
  signal,
  stop: signal,
  whenRunning: () => Promise.resolve(),
  report: (event: StageEvent) => void events.push(event),
});

async function encode(prompt: Prompt, options: Record<string, unknown> = {}) {
  await using stage = await TextStage.create(encodeTextOptions.parse(options), create);
  const prompts = async function* () {
    yield await Promise.resolve(prompt);
  };
  const [conditioning] = await Array.fromAsync(stage.process(prompts(), runContext()));
  return conditioning!;
}

const red = await encode({ text: "a red ball bounces, green floor", seed: 1 });
const blue = await encode({ text: "a blue star spins, grey background", seed: 1 });

/** The chunks of a run; `second`, where there is one, arrives when chunk `at` was handed out. */
async function diffuse(
  options: Record<string, unknown>,
  first: Conditioning,
  change?: { readonly at: number; readonly second: Conditioning },
): Promise<{ chunks: Latents[]; events: StageEvent[] }> {
  await using stage = await DiffuseStage.create(diffuseOptions.parse(options), create);
  const arrival = Promise.withResolvers<void>();
  const input = async function* () {
    yield first;
    if (!change) return;
    await arrival.promise;
    yield change.second;
  };
  const [chunks, events]: [Latents[], StageEvent[]] = [[], []];
  for await (const chunk of stage.process(input(), runContext(events))) {
    chunks.push(chunk);
    if (chunk.index !== change?.at) continue;
    arrival.resolve();
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { chunks, events };
}

Deno.test("encode-text encodes a negative prompt where there is one, and no other", async () => {
  assertEquals("negative" in red, false);
  const negative = await encode({ text: "a red ball", negative: "a blue star" });
  const alone = await encode({ text: "a blue star" });
  assertEquals(negative.negative, alone.embeddings);
  const option = { negative: "a blue star" };
  assertEquals((await encode({ text: "a red ball" }, option)).negative, alone.embeddings);
  const both = await encode({ text: "a red ball", negative: "a red ball" }, option);
  assertEquals(both.negative, both.embeddings);
  // Nothing is a negative prompt too, as in the reference's datasets.
  const nothing = await encode({ text: "a red ball" }, { negative: "" });
  assertEquals(nothing.negative!.length, nothing.embeddings.length);
  // The user's prompt goes on as it was.
  assertEquals(nothing.prompt, { text: "a red ball" });
});

Deno.test("encode-text refuses a negative prompt that is no text", async () => {
  await assertRejects(
    () => encode({ text: "a", negative: "a\0b" }),
    UserError,
    "The negative prompt holds a NUL character at position 2",
  );
});

Deno.test("diffuse refuses steps and a guidance that its sampler does not take", () => {
  const cases = [
    [{ sampler: "unipc", steps: [1000, 500] }, "steps", "expected how many steps unipc takes"],
    [{ steps: 20 }, "steps", "expected a list of falling numbers such as [1000, 750, 500, 250] (a"],
    [{ steps: [500, 750] }, "steps", "expected falling numbers such as [1000, 750, 500, 250], got"],
    [{ guidance: 3 }, "guidance", "expected 1 or nothing with the few-step sampler"],
    [{ independentFirstFrame: true }, "latentFrames", "in a first chunk of 1 and chunks of 3"],
  ] as const;
  for (const [options, key, message] of cases) {
    const { error } = diffuseOptions.safeParse(options);
    assertEquals(error!.issues.map(({ path }) => path), [[key]]);
    assertStringIncludes(error!.issues[0]!.message, message);
  }
  for (const steps of [0, 1001, 2.5, []]) {
    assertEquals(diffuseOptions.safeParse({ sampler: "dpmpp", steps }).success, false);
  }
});

Deno.test("diffuse samples in many steps, alike with both solvers, unlike with guidance", async () => {
  const run = (options: Record<string, unknown>, conditioning = red) =>
    diffuse({ latentFrames: 3, ...options }, conditioning);
  const unipc = await run({ sampler: "unipc", steps: 30 });
  assertEquals(unipc.events.filter(({ type }) => type === "step").length, 30);
  const [x] = unipc.chunks;
  const dpmpp = (await run({ sampler: "dpmpp", steps: 30 })).chunks[0]!;
  const guided = (await run(
    { sampler: "unipc", steps: 30, guidance: 3 },
    { ...red, negative: blue.embeddings },
  )).chunks[0]!;
  const mean = (other: Latents) =>
    other.data.reduce((sum, value, i) => sum + Math.abs(value - x!.data[i]!), 0) /
    other.data.length;
  assert(mean(dpmpp) < 0.05, `the solvers are ${mean(dpmpp)} apart`);
  assert(mean(guided) > 3 * mean(dpmpp), `guidance changes by ${mean(guided)}`);
  // As a negative prompt the prompt itself changes nothing.
  const same = await run(
    { sampler: "unipc", steps: 30, guidance: 3 },
    { ...red, negative: red.embeddings },
  );
  assert(distance(same.chunks[0]!.data, x!.data) < 1e-3);
});

Deno.test("diffuse says where a negative prompt is missing, and where it is not heard", async () => {
  await assertRejects(
    () => diffuse({ latentFrames: 3, sampler: "unipc", steps: 2, guidance: 3 }, red),
    UserError,
    'The sampler "unipc" with a guidance of 3 needs a negative prompt and there is none',
  );
  const negative = { ...red, negative: blue.embeddings };
  for (const options of [{}, { sampler: "unipc", steps: 2 }]) {
    const { events } = await diffuse({ latentFrames: 3, ...options }, negative);
    const warnings = events.filter((event) => event.type === "warning");
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]!.message, "The negative prompt is not heard");
  }
});

Deno.test("diffuse continues given latents, which are a part of the video", async () => {
  const whole = (await diffuse({ latentFrames: 6 }, red)).chunks;
  const [frames, channels, height, width] = whole[0]!.shape;
  const given: GivenLatents = { data: whole[0]!.data, shape: whole[0]!.shape };
  const { chunks, events } = await diffuse({ latentFrames: 6 }, { ...red, given });
  assertEquals(chunks.map(({ index, last }) => ({ index, last })), [
    { index: 0, last: false },
    { index: 1, last: true },
  ]);
  assertEquals(chunks[0]!.data, whole[0]!.data);
  assertEquals(chunks[0]!.shape, [frames, channels, height, width]);
  assert(events.every((event) => event.type !== "step" || event.chunk === 1));
  // Other latents are continued otherwise, from the same noise.
  const dark = { ...given, data: given.data.map((value) => value / 2) };
  const other = await diffuse({ latentFrames: 6 }, { ...red, given: dark });
  assert(distance(other.chunks[1]!.data, chunks[1]!.data) > 0.05);
  // An image: one frame, then chunks of three.
  const size = channels * height * width;
  const image: GivenLatents = {
    data: given.data.slice(0, size),
    shape: [1, channels, height, width],
  };
  const animated = await diffuse(
    { latentFrames: 4, independentFirstFrame: true },
    { ...red, given: image },
  );
  assertEquals(animated.chunks.map(({ shape: [frames] }) => frames), [1, 3]);
  assertEquals(animated.chunks[0]!.data, image.data);
});

Deno.test("diffuse refuses given latents of another size or length", async () => {
  const { data, shape: [, channels, height, width] } = (await diffuse({ latentFrames: 3 }, red))
    .chunks[0]!;
  const run = (shape: GivenLatents["shape"]) =>
    diffuse({ latentFrames: 6 }, { ...red, given: { data, shape } });
  await assertRejects(
    () => run([3, channels, height, width + 2]),
    UserError,
    `are of ${channels} × ${height} × ${width + 2} (channels, height, width)`,
  );
  await assertRejects(
    () => run([1, channels, height, width]),
    UserError,
    "cannot begin with 1 given latent frames in chunks of 3: expected a multiple of 3, such as 3",
  );
  await assertRejects(
    () => run([6, channels, height, width]),
    UserError,
    "Nothing is left to be made of a video of 21 pictures that begins with 21 given ones: expected at least 33 " +
      "pictures (latent-frames: 9).",
  );
});

Deno.test("diffuse fills the cache anew under a new prompt where it is told to", async () => {
  const options = { latentFrames: 15, window: 9 };
  const recache = { ...options, recache: true };
  const change = { at: 1, second: blue };
  const [plain, anew] = [await diffuse(options, red, change), await diffuse(recache, red, change)];
  const apart = anew.chunks.map(({ data }, i) => distance(data, plain.chunks[i]!.data));
  assertEquals(apart.slice(0, 2), [0, 0]);
  assert(apart[2]! > 0.05, `chunk 2 is ${apart[2]} apart`);
  assertEquals(anew.chunks.map(({ prompt }) => prompt.text === blue.prompt.text), [
    ...[false, false, true, true, true],
  ]);
  assertEquals(
    anew.events.filter(({ type }) => type === "prompt"),
    plain.events.filter(({ type }) => type === "prompt"),
  );
  // Under the same prompt, while nothing is forgotten, the cache comes out as it was.
  const again = { at: 1, second: red };
  const [before, after] = [await diffuse(options, red, again), await diffuse(recache, red, again)];
  assertEquals(after.chunks.map(({ data }) => data), before.chunks.map(({ data }) => data));
});
