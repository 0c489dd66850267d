/** The causal transformer: denoising and the cache pass at each fill of the window, and what a prompt costs. */

import { flowSchedule, normalSource, planFewSteps } from "../engine/diffusion/mod.ts";
import {
  causalWan,
  causalWanNames,
  rotaryTables,
  timestepSinusoid,
  tokensPerFrame,
  wanContext,
} from "../engine/networks/mod.ts";
import type { Graph } from "../engine/onnx/mod.ts";
import type { Binding, Session, Tensor } from "../engine/runtime/mod.ts";
import { dimsOf, plannedBytes, sumWork, workOf } from "./_flops.ts";
import { memoryInUse } from "./_wan_memory.ts";
import { type Bench, measured } from "./_wan_parts.ts";
import type { WanBenchOptions } from "./_wan_options.ts";
import { type FloatType, writeFloats } from "./_wan_random.ts";
import { settled, timed } from "./_wan_timing.ts";

/** Latent cells of the pictures, and the tokens that one frame of them is. */
export function latentShape({ sizes }: Pick<WanBenchOptions, "sizes">) {
  const shape = { frames: sizes.chunk, height: sizes.height / 8, width: sizes.width / 8 };
  return { shape, perFrame: tokensPerFrame(sizes.transformer, shape) };
}

/** The graph of one pass. */
export function passGraph(
  options: Pick<WanBenchOptions, "sizes" | "precision">,
  attention: "fused" | "composed" = "fused",
): Graph {
  const { shape } = latentShape(options);
  return causalWan(options.sizes.transformer, shape, { attention, dtype: options.precision });
}

/** The graph that turns a prompt into keys and values. */
export function contextGraph({ sizes, precision }: Pick<WanBenchOptions, "sizes" | "precision">) {
  return wanContext(sizes.transformer, { dtype: precision });
}

/** Measures everything of the transformer that was asked for. */
export async function measureTransformer(bench: Bench): Promise<void> {
  const { options, memory, attention } = bench;
  const { sizes, fills, runs } = options;
  const before = bench.tensors.bytes;
  await using pass = await Pass.load(bench);
  measured(bench, { name: "text's keys and values", ...pass.contextWork, ms: pass.contextMs });
  const { perFrame } = latentShape(options);
  for (const fill of fills) {
    await pass.fillTo(fill);
    const work = workOf(pass.graph, { cache: fill * perFrame });
    const warmUp = () => pass.remember();
    const denoise = await timed(() => pass.denoise(), { runs, warmUp });
    const remember = await timed(() => pass.remember(), { runs, warmUp: () => Promise.resolve() });
    measured(
      bench,
      { name: "denoise", fill, ms: denoise, ...sumWork(work, sizes.steps.length) },
      { name: "cache pass", fill, ms: remember, ...sumWork(work) },
    );
  }
  await pass.check();
  const used = await memoryInUse(bench.device, "the transformer");
  if (used !== undefined) bench.notes.push(used);
  const noise = await timed(() => Promise.resolve(pass.drawNoise()), { runs });
  measured(bench, {
    name: "noise of a chunk",
    ms: noise,
    flops: 0,
    bytes: 0,
    kernels: 0,
    host: true,
  });
  const fillSizes = { cache: sizes.window * perFrame };
  memory.push(
    { name: "transformer: weights", bytes: pass.weightBytes },
    { name: "transformer: key-value cache", bytes: pass.cacheBytes },
    {
      name: "transformer: text, latents, tables",
      bytes: bench.tensors.bytes - before - pass.cacheBytes,
    },
    {
      name: `transformer: activations, ${attention} attention`,
      bytes: plannedBytes(pass.graph, fillSizes),
      planned: true,
    },
  );
}

/** The network with its caches, driven as the diffusion stage drives it. */
class Pass implements AsyncDisposable {
  readonly graph: Graph;
  readonly #session: Session;
  readonly #stack: AsyncDisposableStack;
  readonly #inputs: Map<string, Tensor>;
  /** A pass reads one and writes the other. */
  readonly #latents: readonly [Tensor, Tensor];
  readonly #options: WanBenchOptions;
  readonly #noise: Float32Array;
  #bindings: readonly [Binding, Binding] | undefined;
  #turn: 0 | 1 = 0;
  weightBytes = 0;
  cacheBytes = 0;
  contextMs = 0;
  contextWork = sumWork([]);

  private constructor(
    options: WanBenchOptions,
    loaded: {
      readonly graph: Graph;
      readonly session: Session;
      readonly inputs: Map<string, Tensor>;
      readonly latents: readonly [Tensor, Tensor];
    },
    stack: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.graph = loaded.graph;
    this.#session = loaded.session;
    this.#inputs = loaded.inputs;
    this.#latents = loaded.latents;
    this.#noise = new Float32Array(loaded.latents[0].size);
    this.#stack = stack;
  }

  static async load(bench: Bench): Promise<Pass> {
    const { tensors, options, attention } = bench;
    await using stack = new AsyncDisposableStack();
    const graph = passGraph(options, attention);
    const cache = options.sizes.window * latentShape(options).perFrame;
    const inputs = await tensors.inputsOf(graph, { cache });
    const { session, weights, bytes } = await tensors.load(graph);
    const latents = inputs.get("latents")!;
    const other = await tensors.tensor(latents.dtype as FloatType, latents.shape, { scale: 1 });
    for (const [name, tensor] of weights) inputs.set(name, tensor);
    const loaded = { graph, session, inputs, latents: [latents, other] as const };
    const pass = new Pass(options, loaded, stack.move());
    pass.weightBytes = bytes;
    pass.cacheBytes = bytesOfAll(
      [...inputs].filter(([name]) => name.startsWith("cache.")).map(([, tensor]) => tensor),
    );
    await pass.#condition(bench);
    return pass;
  }

  /** Measures the prompt's graph, which writes the keys and values that the passes read. */
  async #condition({ tensors, options }: Bench): Promise<void> {
    const graph = contextGraph(options);
    const inputs = await tensors.inputsOf(graph);
    this.contextWork = sumWork(workOf(graph));
    const { session, weights, bytes } = await tensors.load(graph);
    this.weightBytes += bytes;
    using binding = session.createBinding();
    for (const [name, tensor] of [...inputs, ...weights]) binding.input(name, tensor);
    for (const { name } of graph.outputs) binding.output(name, this.#inputs.get(name)!);
    const last = this.#inputs.get(graph.outputs.at(-1)!.name)!;
    this.contextMs = await timed(async () => {
      await session.run(binding);
      await settled(last);
    }, { runs: options.runs });
  }

  /** Takes the chunk that ends where `fill` latent frames are in the cache. */
  async fillTo(fill: number): Promise<void> {
    const { sizes } = this.#options;
    const { shape, perFrame } = latentShape(this.#options);
    const first = fill - sizes.chunk;
    const { dim, numHeads } = sizes.transformer;
    const grid = {
      firstFrame: first,
      frames: sizes.chunk,
      rows: shape.height / 2,
      columns: shape.width / 2,
    };
    const { cos, sin } = rotaryTables(grid, dim / numHeads);
    await writeFloats(this.#inputs.get("cos")!, cos);
    await writeFloats(this.#inputs.get("sin")!, sin);
    const slots = new BigInt64Array(2 * sizes.chunk * perFrame);
    for (let i = 0; i < slots.length / 2; i++) slots[2 * i + 1] = BigInt(first * perFrame + i);
    await (this.#inputs.get("slots")! as Tensor<"int64">).write(slots);
    for (const binding of this.#bindings ?? []) binding[Symbol.dispose]();
    this.#bindings = [this.#bind(0, 1, fill * perFrame), this.#bind(1, 0, fill * perFrame)];
  }

  /** Views of the caches' first rows are bound as inputs and as outputs. */
  #bind(read: 0 | 1, write: 0 | 1, rows: number): Binding {
    const binding = this.#stack.use(this.#session.createBinding());
    const { numLayers } = this.#options.sizes.transformer;
    for (const [name, tensor] of this.#inputs) {
      if (name === "latents" || name.startsWith("cache.")) continue;
      binding.input(name, tensor);
    }
    for (let layer = 0; layer < numLayers; layer++) {
      for (const part of ["k", "v"] as const) {
        const cache = this.#inputs.get(causalWanNames.cache(layer, part))!;
        using view = cache.view([1, rows, cache.shape[2]!]);
        binding.input(causalWanNames.cache(layer, part), view);
        binding.output(causalWanNames.updated(layer, part), view);
      }
    }
    return binding.input("latents", this.#latents[read]).output("next", this.#latents[write]);
  }

  /** All steps of a chunk, with what the stage writes before each. */
  async denoise(): Promise<void> {
    const { sizes } = this.#options;
    const passes = planFewSteps(flowSchedule({ shift: 5 }), sizes.steps, true);
    for (const { timestep, sigma, nextSigma } of passes) {
      await this.#run(timestep, sigma, nextSigma, this.#noise);
      this.#turn = this.#turn === 0 ? 1 : 0;
    }
    await settled(this.#latents[this.#turn]);
  }

  /** The pass that leaves the finished chunk's keys and values. */
  async remember(): Promise<void> {
    await this.#run(0, 0, 0);
    await settled(this.#latents[this.#turn === 0 ? 1 : 0]);
  }

  async #run(timestep: number, sigma: number, nextSigma: number, noise?: Float32Array) {
    const inputs = this.#inputs;
    const { freqDim } = this.#options.sizes.transformer;
    await Promise.all([
      writeFloats(inputs.get("time")!, timestepSinusoid(timestep, freqDim)),
      writeFloats(inputs.get("sigma")!, Float32Array.of(sigma)),
      writeFloats(inputs.get("next-sigma")!, Float32Array.of(nextSigma)),
      noise && writeFloats(inputs.get("noise")!, noise),
    ]);
    await this.#session.run(this.#bindings![this.#turn]);
  }

  /** What the stage draws for a chunk: what it begins with, and more for each pass but the last. */
  drawNoise(): void {
    const source = normalSource("philox", 1);
    for (const _ of this.#options.sizes.steps) this.#noise.set(source.normal(this.#noise.length));
  }

  /** Throws where the numbers have left the float's range: a speed that means nothing. */
  async check(): Promise<void> {
    const latents = await this.#latents[this.#turn].read() as Float32Array | Float16Array;
    if (latents.every((value) => Number.isFinite(value))) return;
    throw new RangeError(
      `cannot trust the times: expected finite latents after the last pass, got ${
        latents.find((value) => !Number.isFinite(value))
      } among ${dimsOf(this.graph.inputs[0]!)}`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function bytesOfAll(tensors: Iterable<Tensor>): number {
  let bytes = 0;
  for (const tensor of tensors) bytes += tensor.bytes;
  return bytes;
}
