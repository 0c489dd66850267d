/** A video made over a clip: `strength`. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { normalSource } from "../../engine/diffusion/mod.ts";
import { rotaryTables, timestepSinusoid, wan, wanContext } from "../../engine/networks/mod.ts";
import { type GivenLatents, UserError } from "../../pipeline/mod.ts";
import { assertClose, distance, Golden } from "../_golden.ts";
import { runGraph } from "../_run_graph.ts";
import { FRAME, goldenSizes } from "./_causal_wan.ts";
import { goldenConditioning, runGoldenStage } from "./_golden_stage.ts";

const golden = await Golden.open("cfg_samplers");
const drawn = { noise: "mt19937", seed: 11 } as const;
const shift = 5;

/** A clip of so many latent frames, with a strength. */
function clip(frames: number, strength: number): GivenLatents {
  const data = Float32Array.from({ length: frames * FRAME }, (_, i) => Math.sin(i * 0.37));
  return { data, shape: [frames, 16, 8, 12], strength };
}

async function run(options: Record<string, unknown>, given?: GivenLatents, threads = 1) {
  return await runGoldenStage({
    ...{ golden, threads },
    options: { shift, ...drawn, ...options },
    conditioning: await goldenConditioning(golden, given && { given }),
  });
}

const whole = { network: "wan2.1-t2v-1.3b", latentFrames: 6 };
const causal = { network: "wan2.1-1.3b", latentFrames: 6 };
const few = { sampler: "few-step", steps: [1000, 750, 500, 250], warpSteps: true };
const many = { sampler: "unipc", steps: 5, guidance: 3 };
const kinds = [
  ["causal, few steps", { ...causal, ...few }],
  ["causal, many steps", { ...causal, ...many }],
  ["causal, DPM++", { ...causal, ...many, sampler: "dpmpp" }],
  ["bidirectional, few steps", { ...whole, ...few }],
  ["bidirectional, many steps", { ...whole, ...many }],
] as const;

for (const [name, options] of kinds) {
  Deno.test(`a strength of 1 leaves nothing of the clip: ${name}`, async () => {
    const plain = (await run(options)).chunks;
    const over = (await run(options, clip(6, 1))).chunks;
    assertEquals(over.map(({ data }) => data), plain.map(({ data }) => data));
    assertEquals(
      over.map(({ index, last }) => [index, last]),
      plain.map(({ index, last }) => [
        index,
        last,
      ]),
    );
  });

  Deno.test(`less strength stays nearer to the clip, in fewer steps: ${name}`, async () => {
    const steps = options.sampler === "few-step" ? 4 : 5;
    const given = clip(6, 1).data;
    const apart: number[] = [];
    for (const strength of [0.25, 0.5, 0.75, 1]) {
      const { chunks, events } = await run(options, clip(6, strength));
      const made = chunks.flatMap(({ data }) => [...data]);
      const sum = made.reduce((sum, value, i) => sum + Math.abs(value - given[i]!), 0);
      apart.push(sum / made.length);
      const passes = Math.max(1, Math.floor(strength * steps)) * chunks.length;
      assertEquals(events.filter(({ type }) => type === "step").length, passes, `${strength}`);
    }
    // At .75 most of the clip is gone already.
    assert(apart[0]! < apart[1]! && apart[1]! < apart[3]!, apart.join());
    assert(apart[3]! > 1.2 * apart[0]!, apart.join());
  });
}

/** What a bidirectional network makes of a clip in the last steps of a list, in plain numbers. */
async function plainOver(given: Float32Array, steps: readonly number[]): Promise<Float32Array> {
  const { weights } = golden;
  const embeddings = await golden.floats("in.cond");
  const text = await runGraph(wanContext(goldenSizes), { embeddings }, { weights });
  const frames = given.length / FRAME;
  const { cos, sin } = rotaryTables({ firstFrame: 0, frames, rows: 4, columns: 6 }, 16);
  const source = normalSource("mt19937", drawn.seed);
  const sigmas = steps.map((step) => shift * step / 1000 / (1 + (shift - 1) * step / 1000));
  const noise = source.normal(given.length);
  let x = given.map((value, i) => (1 - sigmas[0]!) * value + sigmas[0]! * noise[i]!);
  const graph = wan(goldenSizes, { frames, height: 8, width: 12 });
  for (const [i, sigma] of sigmas.entries()) {
    const time = timestepSinusoid(1000 * sigma, goldenSizes.freqDim);
    const inputs = { latents: x, time, cos, sin, ...text };
    const flow = (await runGraph(graph, inputs, { weights })).flow as Float32Array;
    const next = sigmas[i + 1] ?? 0;
    const further = next > 0 ? source.normal(given.length) : undefined;
    x = x.map((value, at) =>
      (1 - next) * (value - sigma * flow[at]!) + (further ? next * further[at]! : 0)
    );
  }
  return x;
}

Deno.test("a clip is noised to the level of the first step that is run, as the formula says", async () => {
  for (const [strength, steps] of [[0.5, [500, 250]], [0.3, [250]]] as const) {
    const given = clip(6, strength);
    const expected = await plainOver(given.data, steps);
    for (const threads of [1, 2]) {
      const { chunks } = await run({ ...whole, ...few }, given, threads);
      assertClose(chunks[0]!.data, expected, 1e-4, `strength ${strength}`);
    }
  }
});

Deno.test("a causal network makes the first chunk over the clip's first, and remembers what it made", async () => {
  const options = { ...causal, ...few };
  const given = clip(6, 0.5);
  const both = (await run(options, given)).chunks;
  // The first chunk knows nothing of the second.
  const changed = given.data.map((value, i) => i < 3 * FRAME ? value : -value);
  const other = (await run(options, { ...given, data: changed })).chunks;
  assertEquals(other[0]!.data, both[0]!.data);
  assert(distance(other[1]!.data, both[1]!.data) > 0.05);
  // The second sees the first.
  const before = given.data.map((value, i) => i < 3 * FRAME ? -value : value);
  const unlike = (await run(options, { ...given, data: before })).chunks;
  assert(distance(unlike[1]!.data, both[1]!.data) > 1e-3);
});

Deno.test("the clip decides how long the video is, in whole chunks, and says what is left out", async () => {
  const lengths = async (options: Record<string, unknown>, frames: number) => {
    const { chunks, events } = await run({ ...few, ...options }, clip(frames, 0.5));
    const warnings = events.flatMap((event) => event.type === "warning" ? [event.message] : []);
    return {
      chunks: chunks.map(({ shape: [frames] }) => frames),
      last: chunks.map(({ last }) => last).indexOf(true),
      warnings: warnings.filter((message) => !message.startsWith("The negative prompt")),
    };
  };
  const plain = { warnings: [] };
  assertEquals(await lengths({ ...causal, latentFrames: 9 }, 6), {
    chunks: [3, 3],
    last: 1,
    ...plain,
  });
  assertEquals(await lengths({ ...causal, latentFrames: 0 }, 6), {
    chunks: [3, 3],
    last: 1,
    ...plain,
  });
  assertEquals(await lengths({ ...causal, latentFrames: 3 }, 6), {
    chunks: [3],
    last: 0,
    warnings: [
      "Of the clip's 6 latent frames the first 3 are made over, 9 pictures: latent-frames is 3.",
    ],
  });
  assertEquals(await lengths(causal, 5), {
    chunks: [3],
    last: 0,
    warnings: [
      "Of the clip's 5 latent frames the first 3 are made over, 9 pictures: chunks are of 3.",
    ],
  });
  const first = { ...causal, latentFrames: 7, independentFirstFrame: true };
  assertEquals(await lengths(first, 4), { chunks: [1, 3], last: 1, ...plain });
  assertEquals(await lengths({ ...whole, latentFrames: 21 }, 5), {
    chunks: [5],
    last: 0,
    ...plain,
  });
  await assertRejects(
    () => lengths(causal, 2),
    UserError,
    "A clip of 2 latent frames cannot be made over in chunks of 3: expected at least 3, which are 9 pictures.",
  );
});

Deno.test("a clip of another length is made by the network of that length", async () => {
  const long = await run({ ...whole, ...few, latentFrames: 6 }, clip(4, 0.5));
  const own = await run({ ...whole, ...few, latentFrames: 4 }, clip(4, 0.5));
  assertEquals(long.chunks[0]!.data, own.chunks[0]!.data);
});

Deno.test("diffuse refuses a strength that is none, and one without a clip", async () => {
  for (const strength of [0, -0.5, 1.5, NaN]) {
    await assertRejects(
      () => run({ ...causal, ...few }, clip(6, strength)),
      UserError,
      `A clip cannot be changed with a strength of ${strength}: expected above 0 and at most 1`,
    );
  }
  const prompt = { text: "a", strength: 0.5 };
  await assertRejects(
    async () =>
      await runGoldenStage({
        golden,
        options: { ...causal, ...few },
        conditioning: await goldenConditioning(golden, { prompt }),
      }),
    UserError,
    "The prompt has a strength of 0.5 and no clip to change",
  );
});

Deno.test("diffuse says where a strength leaves nothing of the clip", async () => {
  const { events } = await run({ ...causal, ...few, steps: [1000] }, clip(6, 0.5));
  assert(
    events.some((event) =>
      event.type === "warning" && event.message.includes("nothing of the clip is left")
    ),
  );
});
