/** The bidirectional Wan on a device: a whole clip at once, every frame seeing every other; no cache. */

import { flowToX0, type GuessingModel, type PromptSide } from "../../engine/diffusion/mod.ts";
import { checkWeights, fusedAttentionWorks, loadGraph } from "../../engine/load/mod.ts";
import {
  type ChunkShape,
  rotaryTables,
  timestepSinusoid,
  tokensPerFrame,
  wan,
  type WanConfig,
  wanContext,
} from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import { PromptMemory } from "./prompt_memory.ts";

/** How the model is loaded. */
export interface BidirectionalWanModelOptions {
  readonly sizes: WanConfig;
  /** The whole clip, in latent frames and cells. */
  readonly clip: ChunkShape;
  readonly attention: "auto" | "fused" | "composed";
  readonly signal?: AbortSignal;
}

/**
 * A bidirectional Wan, loaded. A rollout drives it through `multiStepModel` as one chunk that is the whole
 * clip: `chunk`, `window` and `latentFrames` are all the clip's frames. One run at a time, one call at a time.
 */
export class BidirectionalWanModel implements AsyncDisposable {
  readonly #options: BidirectionalWanModelOptions;
  readonly #stack: AsyncDisposableStack;
  readonly #step: Session;
  readonly #latents: Tensor<"float32">;
  readonly #time: Tensor<"float32">;
  readonly #positions: readonly [cos: Tensor<"float32">, sin: Tensor<"float32">];
  readonly #flow: Tensor<"float32">;
  readonly #sides = new Map<PromptSide, { memory: PromptMemory; binding: Binding }>();
  readonly #createMemory: () => PromptMemory;

  private constructor(
    device: Device,
    options: BidirectionalWanModelOptions,
    sessions: { readonly step: Session; readonly context: Session },
    stack: AsyncDisposableStack,
  ) {
    const { sizes, clip } = options;
    this.#options = options;
    this.#stack = stack;
    this.#step = sessions.step;
    const float = (shape: readonly number[]) => stack.use(device.createTensor("float32", shape));
    const latents = [clip.frames, sizes.inDim, clip.height, clip.width];
    const rows = clip.frames * tokensPerFrame(sizes, clip);
    const pairs = sizes.dim / sizes.numHeads / 2;
    this.#latents = float(latents);
    this.#flow = float(latents);
    this.#time = float([1, sizes.freqDim]);
    this.#positions = [float([rows, pairs]), float([rows, pairs])];
    this.#createMemory = () => stack.use(new PromptMemory(device, sessions.context, sizes, 0));
  }

  /** Loads the network's two graphs. Rejects with a `WeightsError` where the file does not fit them. */
  static async load(
    device: Device,
    weights: WeightFile,
    options: BidirectionalWanModelOptions,
  ): Promise<BidirectionalWanModel> {
    const { sizes, clip } = options;
    const loading = options.signal ? { signal: options.signal } : {};
    const fused = options.attention === "fused" ||
      (options.attention === "auto" && await fusedAttentionWorks(device));
    const graph = wan(sizes, clip, { attention: fused ? "fused" : "composed" });
    const contextGraph = wanContext(sizes);
    await checkWeights([graph, contextGraph], weights, loading);
    await using stack = new AsyncDisposableStack();
    const step = stack.use(await loadGraph(device, graph, weights, loading));
    const context = stack.use(await loadGraph(device, contextGraph, weights, loading));
    const model = new BidirectionalWanModel(device, options, { step, context }, stack.move());
    await model.#writePositions();
    return model;
  }

  /** Of the clip's latents, `[frames, channels, height, width]`. */
  get latentsShape(): readonly [number, number, number, number] {
    return this.#latents.shape as readonly [number, number, number, number];
  }

  /** The prompt of the passes to come. @param embeddings `[textLen, textDim]` */
  async condition(
    embeddings: Float32Array,
    signal?: AbortSignal,
    side: PromptSide = "positive",
  ): Promise<void> {
    let known = this.#sides.get(side);
    if (!known) {
      const memory = this.#createMemory();
      this.#sides.set(side, known = { memory, binding: this.#bind(memory) });
    }
    await known.memory.condition(embeddings, signal);
  }

  /** The model as `multiStepModel` drives it, every pass given up when `signal` is aborted. */
  guessing(signal?: AbortSignal): GuessingModel {
    return {
      begin: () => {},
      guess: async (latents, { timestep, sigma }, side) => {
        const known = this.#sides.get(side);
        if (!known) {
          throw new TypeError(`cannot follow a ${side} prompt: expected condition() first`);
        }
        await Promise.all([
          this.#time.write(timestepSinusoid(timestep, this.#options.sizes.freqDim)),
          this.#latents.write(latents),
        ]);
        await this.#step.run(known.binding, { signal });
        return flowToX0(await this.#flow.read(), latents, sigma);
      },
      // There is one chunk, and nothing after it.
      remember: () => {},
    };
  }

  async #writePositions(): Promise<void> {
    const { sizes: { dim, numHeads, patchSize }, clip } = this.#options;
    const grid = {
      firstFrame: 0,
      frames: clip.frames,
      rows: clip.height / patchSize[1],
      columns: clip.width / patchSize[2],
    };
    const { cos, sin } = rotaryTables(grid, dim / numHeads);
    await Promise.all([this.#positions[0].write(cos), this.#positions[1].write(sin)]);
  }

  #bind(memory: PromptMemory): Binding {
    const binding = this.#stack.use(this.#step.createBinding())
      .input("latents", this.#latents)
      .input("time", this.#time)
      .input("cos", this.#positions[0])
      .input("sin", this.#positions[1])
      .output("flow", this.#flow);
    for (const [name, text] of memory.texts) binding.input(name, text);
    return binding;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
