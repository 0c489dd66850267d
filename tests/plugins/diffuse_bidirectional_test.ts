import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { normalSource } from "../../engine/diffusion/mod.ts";
import { rotaryTables, timestepSinusoid, wan, wanContext } from "../../engine/networks/mod.ts";
import { type Device, liveHandles, openDevice, type Tensor } from "../../engine/runtime/mod.ts";
import { UserError } from "../../pipeline/mod.ts";
import { BidirectionalWanModel } from "../../plugins/diffuse/bidirectional_model.ts";
import { diffuseOptions, effective } from "../../plugins/diffuse/options.ts";
import { assertClose, Golden } from "../_golden.ts";
import { runGraph } from "../_run_graph.ts";
import { FRAME, goldenSizes } from "./_causal_wan.ts";
import { goldenConditioning, runGoldenStage } from "./_golden_stage.ts";

const golden = await Golden.open("cfg_samplers");
const shape = { frames: 6, height: 8, width: 12 };
/** The golden run's own: `torch.manual_seed(5002)` on a CPU drew its noise. */
const drawn = { noise: "mt19937", seed: 5002 } as const;
const network = "wan2.1-t2v-1.3b";

async function checkStage(threads: number): Promise<void> {
  const { chunks, events } = await runGoldenStage({
    ...{ golden, threads },
    options: { network, latentFrames: 6, steps: 8, guidance: 3, ...drawn },
    conditioning: await goldenConditioning(golden),
  });
  assertEquals(chunks.map(({ index, last, shape }) => ({ index, last, shape })), [
    { index: 0, last: true, shape: [6, 16, 8, 12] },
  ]);
  assertEquals(
    events.map((event) => event.type === "step" && [event.step, event.steps]),
    Array.from({ length: 8 }, (_, i) => [i + 1, 8]),
  );
  const expected = await golden.floats("out.bidirectional.latents");
  assertClose(chunks[0]!.data, expected, 1e-4, "latents");
}

for (const threads of [1, 2]) {
  Deno.test(`diffuse makes the reference's clip with a bidirectional network, at ${threads} threads`, () =>
    checkStage(threads));
}

/** The few-step formula in plain numbers, with the network run once a step. */
async function plainFewSteps(steps: readonly number[], shift: number): Promise<Float32Array> {
  const { weights } = golden;
  const embeddings = await golden.floats("in.cond");
  const text = await runGraph(wanContext(goldenSizes), { embeddings }, { weights });
  const { cos, sin } = rotaryTables({ firstFrame: 0, frames: 6, rows: 4, columns: 6 }, 16);
  const source = normalSource("mt19937", drawn.seed);
  const sigmas = steps.map((step) => shift * step / 1000 / (1 + (shift - 1) * step / 1000));
  let x: Float32Array = source.normal(6 * FRAME);
  for (const [i, sigma] of sigmas.entries()) {
    const time = timestepSinusoid(1000 * sigma, goldenSizes.freqDim);
    const inputs = { latents: x, time, cos, sin, ...text };
    const flow = (await runGraph(wan(goldenSizes, shape), inputs, { weights }))
      .flow as Float32Array;
    const next = sigmas[i + 1];
    const noise = next === undefined ? undefined : source.normal(6 * FRAME);
    x = x.map((value, at) => {
      const x0 = value - sigma * flow[at]!;
      return next === undefined ? x0 : (1 - next) * x0 + next * noise![at]!;
    });
  }
  return x;
}

Deno.test("diffuse samples a bidirectional network in few steps, renoised between them", async () => {
  const steps = [1000, 757, 522];
  const expected = await plainFewSteps(steps, 8);
  for (const threads of [1, 2]) {
    const { chunks, events } = await runGoldenStage({
      ...{ golden, threads },
      options: { network, latentFrames: 6, sampler: "few-step", steps, warpSteps: true, ...drawn },
      conditioning: await goldenConditioning(golden),
    });
    assertEquals(chunks.length, 1);
    assertClose(chunks[0]!.data, expected, 1e-4, "latents");
    // Its prompt is followed alone: guidance is built into networks of few steps.
    assertStringIncludes(
      (events[0] as { message: string }).message,
      "The negative prompt is not heard",
    );
  }
});

Deno.test("effective() fills in what the published bidirectional networks were made for", () => {
  const small = effective(diffuseOptions.parse({ network, latentFrames: 9 }));
  const numbers = (
    { kind, sampler, steps, shift, guidance, chunk, window, height, width }: typeof small,
  ) => ({ kind, sampler, steps, shift, guidance, chunk, window, height, width });
  const common = { kind: "bidirectional", sampler: "unipc", steps: 50 } as const;
  assertEquals(numbers(small), {
    ...common,
    ...{ shift: 8, guidance: 6, chunk: 9, window: 9, height: 480, width: 832 },
  });
  assertEquals(numbers(effective(diffuseOptions.parse({ network: "wan2.1-t2v-14b" }))), {
    ...common,
    ...{ shift: 5, guidance: 5, chunk: 21, window: 21, height: 720, width: 1280 },
  });
  const dpmpp = effective(diffuseOptions.parse({ network, sampler: "dpmpp" }));
  assertEquals([dpmpp.steps, dpmpp.guidance], [50, 6]);
  const causal = effective(diffuseOptions.parse({ network: "wan2.1-1.3b" }));
  assertEquals([causal.kind, causal.sampler, causal.chunk], ["causal", "few-step", 3]);
});

Deno.test("diffuse refuses what does not apply to a network that makes the whole clip at once", () => {
  const alone = 'the network "wan2.1-t2v-1.3b" makes the whole clip at once';
  const has = "(causal networks have it: embedded, wan2.1-1.3b)";
  const cases = [
    [{ chunk: 3 }, "chunk", `expected nothing, since ${alone} ${has}, got 3`],
    [{ window: 21 }, "window", "got 21"],
    [{ sink: 0 }, "sink", "got 0"],
    [{ contextNoise: 100 }, "contextNoise", "got 100"],
    [{ independentFirstFrame: true }, "independentFirstFrame", "got true"],
    [{ recache: true }, "recache", "got true"],
    [
      { latentFrames: 0 },
      "latentFrames",
      `expected how many, such as 21 for 81 pictures, since ${alone}`,
    ],
    [{ steps: [1000, 500] }, "steps", "expected how many steps unipc takes"],
    [
      { sampler: "few-step" },
      "steps",
      "expected falling numbers such as [1000, 750, 500, 250], got nothing",
    ],
    [{ height: 488 }, "height", "expected a multiple of 16 pixels"],
  ] as const;
  for (const [options, key, message] of cases) {
    const { error } = diffuseOptions.safeParse({ network, ...options });
    assertEquals(error?.issues.map(({ path }) => path), [[key]], key);
    assertStringIncludes(error!.issues[0]!.message, message);
  }
  for (const latentFrames of [1, 2, 5, 21]) {
    assertEquals(diffuseOptions.safeParse({ network, latentFrames }).success, true);
  }
});

Deno.test("diffuse refuses to begin a whole clip with something, or to follow several prompts", async () => {
  const run = async (more: Parameters<typeof goldenConditioning>[1]) =>
    await runGoldenStage({
      golden,
      options: { network, latentFrames: 2, steps: 2 },
      conditioning: await goldenConditioning(golden, more),
    });
  await assertRejects(
    () =>
      run({
        prompt: { text: "a", image: "cat.png" },
        given: { data: new Float32Array(FRAME), shape: [1, 16, 8, 12] },
      }),
    UserError,
    `The network "${network}" makes the whole clip at once and cannot begin with cat.png: choose a causal network`,
  );
  const later = { ...await goldenConditioning(golden), from: 5 };
  await assertRejects(
    () => run({ then: [later] }),
    UserError,
    "follows one prompt, and this one has 1 more for later",
  );
});

Deno.test("diffuse says that a prompt which comes while a whole clip is made is not followed", async () => {
  const options = { network, latentFrames: 2, steps: 4, guidance: 1 };
  const { negative: _, ...first } = await goldenConditioning(golden);
  const second = {
    ...first,
    prompt: { text: "another" },
    embeddings: first.embeddings.map((x) => -x),
  };
  const alone = await runGoldenStage({ golden, options, conditioning: first });
  const { chunks, events } = await runGoldenStage({
    ...{ golden, options, conditioning: first },
    later: { step: 1, conditioning: second },
  });
  const warnings = events.filter(({ type }) => type === "warning");
  assertEquals(warnings.map((event) => "message" in event && event.message), [
    "A prompt that comes later is not followed: this network makes the whole clip at once.",
  ]);
  assertEquals(chunks[0]!.data, alone.chunks[0]!.data);
  assertEquals(chunks[0]!.prompt.text, "a golden prompt");
});

/** The device, with tensors of one shape that cannot be written. */
function withBadTensors(device: Device, shape: readonly number[]): Device {
  return new Proxy(device, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key !== "createTensor") return value.bind(target);
      return (...args: Parameters<Device["createTensor"]>) => {
        const tensor = target.createTensor(...args) as Tensor;
        if (String(args[1]) === String(shape)) {
          tensor.write = () => Promise.reject(new Error("no room for positions"));
        }
        return tensor;
      };
    },
  });
}

Deno.test("BidirectionalWanModel.load() leaves nothing open where its positions cannot be written", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const before = liveHandles();
  const positions = [6 * 4 * 6, 8];
  await assertRejects(
    () =>
      BidirectionalWanModel.load(withBadTensors(device, positions), golden.weights, {
        ...{ sizes: goldenSizes, clip: shape, attention: "composed" },
      }),
    Error,
    "no room for positions",
  );
  assertEquals(liveHandles(), before);
});
