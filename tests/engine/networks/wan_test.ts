import { assertEquals, assertThrows } from "@std/assert";
import { flowSchedule, indexOfTimestep } from "../../../engine/diffusion/mod.ts";
import {
  blockCausalPlan,
  causalWan,
  causalWanNames,
  causalWanSequence,
  type CausalWanSequenceOptions,
  rotaryTables,
  timestepSinusoid,
  wan,
  wan2_1_14b,
  wan2_1_1_3b,
  type WanConfig,
  wanContext,
} from "../../../engine/networks/mod.ts";
import type { Graph } from "../../../engine/onnx/mod.ts";
import type { TensorData } from "../../../engine/tensor/mod.ts";
import { assertClose, Golden } from "../../_golden.ts";
import { runGraph, type TestPlace } from "../../_run_graph.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

const config: WanConfig = {
  dim: 48,
  ffnDim: 128,
  numHeads: 3,
  numLayers: 3,
  freqDim: 32,
  textDim: 24,
  textLen: 12,
  inDim: 16,
  outDim: 16,
  patchSize: [1, 2, 2],
  eps: 1e-6,
};
const [HEIGHT, WIDTH] = [8, 12];
const FRAME = 16 * HEIGHT * WIDTH;

/** The block-causal runs of the golden file. */
const runs: Record<string, CausalWanSequenceOptions> = {
  train: { chunk: 3 },
  train_local3: { chunk: 3, window: 3 },
  train_local4: { chunk: 3, window: 4 },
  train_first: { chunk: 3, independentFirstFrame: true },
  teacher_forcing: { chunk: 3, teacherForcing: true },
  teacher_forcing_aug: { chunk: 3, teacherForcing: true },
};

function sinusoids(timesteps: Iterable<number>): Float32Array {
  return Float32Array.from([...timesteps].flatMap((t) => [...timestepSinusoid(t, config.freqDim)]));
}

/** Frames of this golden clip from 0 on, and a prompt, as every graph takes them. */
async function place(
  golden: Golden,
  frames: number,
  prompt: "cond" | "uncond",
  where: TestPlace,
) {
  const { cos, sin } = rotaryTables({ firstFrame: 0, frames, rows: 4, columns: 6 }, 16);
  const embeddings = await golden.floats(`in.${prompt}`);
  const text = await runGraph(wanContext(config), { embeddings }, {
    weights: golden.weights,
    ...where,
  });
  return { cos, sin, ...text };
}

/** The flow of a block-causal run. */
async function sequenceFlow(
  golden: Golden,
  name: string,
  options: CausalWanSequenceOptions,
  where: TestPlace,
): Promise<Float32Array> {
  const own = (part: string) => `in.${name}.${part}`;
  const { tensors } = golden.file;
  const timesteps = await golden.floats(own("timestep"));
  const frames = timesteps.length;
  const inputs: Record<string, TensorData> = {
    latents: await golden.floats(tensors.has(own("x")) ? own("x") : "in.x"),
    time: sinusoids(timesteps),
    ...await place(golden, frames, "cond", where),
  };
  if (options.teacherForcing) {
    inputs.clean = await golden.floats(own("clean_x"));
    const augmented = tensors.has(own("aug_t"))
      ? await golden.floats(own("aug_t"))
      : new Float32Array(frames);
    inputs["clean-time"] = sinusoids(augmented);
  }
  const graph = causalWanSequence(config, { frames, height: HEIGHT, width: WIDTH }, options);
  const { flow } = await runGraph(graph, inputs, { weights: golden.weights, ...where });
  return flow as Float32Array;
}

/** x0 as the reference's wrapper makes it: latents − sigma · flow, a sigma for each frame. */
function toX0(latents: Float32Array, flow: Float32Array, timesteps: Float32Array, shift: number) {
  const schedule = flowSchedule({ shift });
  const sigmas = timesteps.map((t) => schedule.sigmas[indexOfTimestep(schedule, t)]!);
  return latents.map((x, i) => x - sigmas[Math.floor(i / FRAME)]! * flow[i]!);
}

/** The flow of the whole clip, with and without guidance. */
async function checkWhole(
  where: TestPlace,
  tolerance: number,
  attention: "fused" | "composed" = "fused",
): Promise<void> {
  const golden = await Golden.open("bidirectional_wan");
  const latents = await golden.floats("in.x");
  const [timestep] = await golden.floats("in.timestep");
  const flows: Float32Array[] = [];
  for (const prompt of ["cond", "uncond"] as const) {
    const graph = wan(config, { frames: 6, height: HEIGHT, width: WIDTH }, { attention });
    const inputs = {
      latents,
      time: sinusoids([timestep!]),
      ...await place(golden, 6, prompt, where),
    };
    const flow = (await runGraph(graph, inputs, { weights: golden.weights, ...where }))
      .flow as Float32Array;
    const expected = `out.bidirectional.${prompt}`;
    assertClose(flow, await golden.floats(`${expected}_flow`), tolerance, prompt);
    const x0 = toX0(latents, flow, new Float32Array(6).fill(timestep!), 8);
    assertClose(x0, await golden.floats(`${expected}_x0`), tolerance, `${prompt} x0`);
    flows.push(flow);
  }
  const [cond, uncond] = flows as [Float32Array, Float32Array];
  const guided = uncond.map((u, i) => u + 3 * (cond[i]! - u));
  // Guidance of 3 makes errors up to five times as large.
  const wanted = await golden.floats("out.bidirectional.cfg_flow");
  assertClose(guided, wanted, 2.5 * tolerance, "guided");
}

Deno.test({
  name: "wan() and causalWanSequence() agree with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  async fn() {
    const where = { device: "webgpu" };
    await checkWhole(where, 1e-4, "composed");
    const golden = await Golden.open("bidirectional_wan");
    const options = { ...runs.teacher_forcing_aug!, attention: "composed" } as const;
    const flow = await sequenceFlow(golden, "teacher_forcing_aug", options, where);
    assertClose(flow, await golden.floats("out.teacher_forcing_aug.flow"), 1e-4, "sequence");
  },
});

for (const threads of [1, 2]) {
  Deno.test(`wan() agrees with the reference, with and without guidance, at ${threads} threads`, () =>
    checkWhole({ threads }, 2e-5));

  Deno.test(`causalWanSequence() agrees with the reference at ${threads} threads`, async () => {
    const golden = await Golden.open("bidirectional_wan");
    for (const [name, options] of Object.entries(runs)) {
      const flow = await sequenceFlow(golden, name, options, { threads });
      assertClose(flow, await golden.floats(`out.${name}.flow`), 2e-5, name);
      if (name !== "train") continue;
      const timesteps = await golden.floats("in.train.timestep");
      const x0 = toX0(await golden.floats("in.x"), flow, timesteps, 5);
      assertClose(x0, await golden.floats("out.train.x0"), 2e-5, "x0");
    }
  });
}

Deno.test("causalWanSequence() gives the same by composed attention", async () => {
  const golden = await Golden.open("bidirectional_wan");
  const options = { ...runs.train_local4!, attention: "composed" } as const;
  const flow = await sequenceFlow(golden, "train_local4", options, { threads: 1 });
  assertClose(flow, await golden.floats("out.train_local4.flow"), 2e-5, "composed");
});

Deno.test("causalWan() with a timestep a frame gives, chunk by chunk, what the whole clip gives", async () => {
  const golden = await Golden.open("bidirectional_wan");
  const { weights } = golden;
  const latents = await golden.floats("in.x");
  const timesteps = await golden.floats("in.train.timestep");
  const expected = await golden.floats("out.train.flow");
  const chunk = { frames: 3, height: HEIGHT, width: WIDTH };
  const tokens = 3 * 24;
  const graph = causalWan(config, chunk, { timePerFrame: true, flow: true });
  const { cos, sin, ...text } = await place(golden, 6, "cond", { threads: 1 });
  let caches: Record<string, TensorData> = {};
  for (const first of [0, 3]) {
    const cut = (all: Float32Array, row: number) => all.slice(first * row, (first + 3) * row);
    const kept = caches;
    for (let layer = 0; layer < config.numLayers; layer++) {
      for (const part of ["k", "v"] as const) {
        const grown = new Float32Array((first + 3) * 24 * config.dim);
        grown.set(kept[causalWanNames.updated(layer, part)] as Float32Array ?? []);
        caches = { ...caches, [causalWanNames.cache(layer, part)]: grown };
      }
    }
    const slots = Array.from({ length: tokens }, (_, i) => [0n, BigInt(first * 24 + i)]).flat();
    const out = await runGraph(graph, {
      ...caches,
      ...text,
      latents: cut(latents, FRAME),
      time: sinusoids(cut(timesteps, 1)),
      cos: cut(cos, 24 * 8),
      sin: cut(sin, 24 * 8),
      slots: BigInt64Array.from(slots),
      sigma: new Float32Array(1),
      "next-sigma": new Float32Array(1),
      noise: new Float32Array(3 * FRAME),
    }, { weights, sizes: { cache: (first + 3) * 24 } });
    assertClose(out.flow as Float32Array, cut(expected, FRAME), 2e-5, `chunk at ${first}`);
    caches = out;
  }
});

Deno.test("blockCausalPlan() lets see what the reference's masks let see", async () => {
  const golden = await Golden.open("bidirectional_wan");
  for (const [name, options] of Object.entries(runs)) {
    const [rows] = golden.shape(`out.${name}.frame_mask`) as [number];
    const mask = new Uint8Array(rows * rows);
    const plan = blockCausalPlan(options.teacherForcing ? rows / 2 : rows, options);
    for (const { queries, keys } of plan) {
      for (let row = queries[0]; row < queries[1]; row++) {
        for (const [start, end] of keys) mask.fill(1, row * rows + start, row * rows + end);
      }
    }
    const expected = (await golden.file.read(`out.${name}.frame_mask`)).data as Uint8Array;
    assertEquals([...mask], [...expected], name);
  }
});

Deno.test("blockCausalPlan() shows noisy chunks what a cache of that window would hold", () => {
  const plan = blockCausalPlan(9, { chunk: 3, window: 6, teacherForcing: true });
  assertEquals(plan.at(-1), { queries: [15, 18], keys: [[3, 6], [15, 18]] });
  assertEquals(plan.at(2), { queries: [6, 9], keys: [[3, 9]] });
});

Deno.test("blockCausalPlan() refuses what chunks and windows do not fit", () => {
  assertThrows(
    () => blockCausalPlan(7, { chunk: 3 }),
    RangeError,
    "cannot cut a clip of 7 latent frames into chunks of 3: expected a multiple",
  );
  assertThrows(
    () => blockCausalPlan(6, { chunk: 3, independentFirstFrame: true }),
    RangeError,
    "into chunks of 3 behind a first frame: expected a multiple and one",
  );
  assertThrows(
    () => blockCausalPlan(6, { chunk: 3, window: 2 }),
    RangeError,
    "cannot let chunks of 3 latent frames see 2: a chunk sees itself, so expected at least 3",
  );
});

/** Learned elements of graphs that share a checkpoint. */
function parameterCount(...graphs: Graph[]): number {
  const parameters = new Map(graphs.flatMap((graph) => [...graph.parameters]));
  return [...parameters.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
}

// The numbers are those of WanModel's own module definitions, summed over every Parameter they declare.
for (
  const [name, sizes, count] of [
    ["wan2.1-1.3b", wan2_1_1_3b, 1_418_996_800],
    ["wan2.1-14b", wan2_1_14b, 14_288_491_584],
  ] as const
) {
  Deno.test(`${name} is built whole at 832 × 480, 21 latent frames, with its number of parameters`, () => {
    const clip = { frames: 21, height: 60, width: 104 };
    const flow = (graph: Graph) => graph.outputs.find(({ name }) => name === "flow")!.value.dims;
    const graph = wan(sizes, clip);
    assertEquals(flow(graph), [21, 16, 60, 104]);
    assertEquals(parameterCount(graph, wanContext(sizes)), count);
    for (const options of [{ chunk: 3 }, { chunk: 3, teacherForcing: true }]) {
      const causal = causalWanSequence(sizes, clip, options);
      assertEquals(flow(causal), [21, 16, 60, 104]);
      assertEquals(parameterCount(causal, wanContext(sizes)), count);
    }
  });
}
