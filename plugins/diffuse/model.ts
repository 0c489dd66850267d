/**
 * The causal Wan on a device: its key-value cache, its text's keys and values, and the chunk that is being
 * made. Latents stay on the device from noise to the clean chunk.
 */

import type {
  CacheSegment,
  CausalModel,
  ChunkPlan,
  FewStepPass,
} from "../../engine/diffusion/mod.ts";
import { checkWeights, fusedAttentionWorks, loadGraph } from "../../engine/load/mod.ts";
import {
  causalWan,
  causalWanNames,
  type ChunkShape,
  rotaryTables,
  timestepSinusoid,
  tokensPerFrame,
  type WanConfig,
  wanContext,
} from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";

/** How the model is loaded. */
export interface CausalWanModelOptions {
  readonly sizes: WanConfig;
  readonly chunk: ChunkShape;
  /** Latent frames that the cache holds. */
  readonly window: number;
  readonly attention: "auto" | "fused" | "composed";
  readonly profile?: string | undefined;
  readonly signal?: AbortSignal;
}

/** A causal Wan, loaded. One run at a time, one call at a time. */
export class CausalWanModel implements AsyncDisposable {
  readonly #sizes: WanConfig;
  readonly #chunk: ChunkShape;
  readonly #tokensPerFrame: number;
  readonly #stack: AsyncDisposableStack;
  readonly #step: Session;
  readonly #context: Session;
  readonly #contextBinding: Binding;
  readonly #embeddings: Tensor<"float32">;
  /** By the name of their input. */
  readonly #caches = new Map<string, Tensor<"float32">>();
  readonly #texts = new Map<string, Tensor<"float32">>();
  readonly #inputs: {
    readonly time: Tensor<"float32">;
    readonly cos: Tensor<"float32">;
    readonly sin: Tensor<"float32">;
    readonly slots: Tensor<"int64">;
    readonly sigma: Tensor<"float32">;
    readonly nextSigma: Tensor<"float32">;
    readonly noise: Tensor<"float32">;
  };
  /** A pass reads one and writes the other. */
  readonly #latents: readonly [Tensor<"float32">, Tensor<"float32">];
  /** Bindings that read latents 0 and 1, by the number of visible frames. */
  readonly #bindings = new Map<number, readonly [Binding, Binding]>();
  #turn: 0 | 1 = 0;
  #visible = 0;

  private constructor(
    device: Device,
    options: CausalWanModelOptions,
    sessions: { readonly step: Session; readonly context: Session },
    stack: AsyncDisposableStack,
  ) {
    const { sizes, chunk, window } = options;
    const { dim, inDim, numHeads, numLayers, freqDim, textDim, textLen } = sizes;
    this.#sizes = sizes;
    this.#chunk = chunk;
    this.#stack = stack;
    this.#step = sessions.step;
    this.#context = sessions.context;
    this.#tokensPerFrame = tokensPerFrame(sizes, chunk);
    const tokens = chunk.frames * this.#tokensPerFrame;
    const float = (shape: readonly number[]) => stack.use(device.createTensor("float32", shape));
    const latents = [chunk.frames, inDim, chunk.height, chunk.width];
    const pairs = dim / numHeads / 2;
    this.#latents = [float(latents), float(latents)];
    this.#inputs = {
      time: float([1, freqDim]),
      cos: float([tokens, pairs]),
      sin: float([tokens, pairs]),
      slots: stack.use(device.createTensor("int64", [1, tokens, 2])),
      sigma: float([1]),
      nextSigma: float([1]),
      noise: float(latents),
    };
    this.#embeddings = float([textLen, textDim]);
    this.#contextBinding = stack.use(sessions.context.createBinding());
    this.#contextBinding.input("embeddings", this.#embeddings);
    for (let layer = 0; layer < numLayers; layer++) {
      for (const part of ["k", "v"] as const) {
        this.#caches.set(
          causalWanNames.cache(layer, part),
          float([1, window * this.#tokensPerFrame, dim]),
        );
        const name = causalWanNames.context(layer, part);
        const text = float([1, textLen, dim]);
        this.#texts.set(name, text);
        this.#contextBinding.output(name, text);
      }
    }
  }

  /** Loads the network's two graphs. Rejects with a `WeightsError` where the file does not fit them. */
  static async load(
    device: Device,
    weights: WeightFile,
    options: CausalWanModelOptions,
  ): Promise<CausalWanModel> {
    const { sizes, chunk, signal, profile } = options;
    const fused = options.attention === "fused" ||
      (options.attention === "auto" && await fusedAttentionWorks(device));
    const graph = causalWan(sizes, chunk, { attention: fused ? "fused" : "composed" });
    const contextGraph = wanContext(sizes);
    await checkWeights([graph, contextGraph], weights, signal ? { signal } : {});
    await using stack = new AsyncDisposableStack();
    const loading = { ...(signal && { signal }) };
    const step = stack.use(
      await loadGraph(device, graph, weights, { ...loading, ...(profile && { profile }) }),
    );
    const context = stack.use(await loadGraph(device, contextGraph, weights, loading));
    return new CausalWanModel(device, options, { step, context }, stack.move());
  }

  /** Of a chunk's latents, `[frames, channels, height, width]`. */
  get latentsShape(): readonly [number, number, number, number] {
    return this.#latents[0].shape as readonly [number, number, number, number];
  }

  /** Bytes of the key-value cache. */
  get cacheBytes(): number {
    return [...this.#caches.values()].reduce((sum, cache) => sum + cache.bytes, 0);
  }

  /** The prompt of the passes to come. @param embeddings `[textLen, textDim]` */
  async condition(embeddings: Float32Array, signal?: AbortSignal): Promise<void> {
    await this.#embeddings.write(embeddings);
    await this.#context.run(this.#contextBinding, { signal });
  }

  /** The model as a rollout drives it, every pass given up when `signal` is aborted. */
  during(signal?: AbortSignal): CausalModel {
    return {
      begin: (chunk, noise) => this.#begin(chunk, noise),
      denoise: async (_chunk, pass, noise) => {
        await this.#pass(pass, noise, signal);
        this.#turn = this.#turn === 0 ? 1 : 0;
      },
      latents: () => this.#latents[this.#turn].read(),
      // Clean latents go in and nothing is taken out but the keys and values.
      remember: (_chunk, timestep) =>
        this.#pass({ timestep, sigma: 0, nextSigma: 0 }, undefined, signal),
    };
  }

  async #begin(chunk: ChunkPlan, noise: Float32Array): Promise<void> {
    const { dim, numHeads, patchSize } = this.#sizes;
    const grid = {
      firstFrame: chunk.frame,
      frames: chunk.frames,
      rows: this.#chunk.height / patchSize[1],
      columns: this.#chunk.width / patchSize[2],
    };
    const { cos, sin } = rotaryTables(grid, dim / numHeads);
    this.#visible = chunk.visible;
    await Promise.all([
      this.#inputs.cos.write(cos),
      this.#inputs.sin.write(sin),
      this.#inputs.slots.write(this.#rows(chunk.slots)),
      this.#latents[this.#turn].write(noise),
    ]);
  }

  /** Runs the network over the chunk: keys and values go to the cache, latents to the next noise level. */
  async #pass(
    { timestep, sigma, nextSigma }: Pick<FewStepPass, "timestep" | "sigma" | "nextSigma">,
    noise: Float32Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const inputs = this.#inputs;
    await Promise.all([
      inputs.time.write(timestepSinusoid(timestep, this.#sizes.freqDim)),
      inputs.sigma.write(new Float32Array([sigma])),
      inputs.nextSigma.write(new Float32Array([nextSigma])),
      noise && inputs.noise.write(noise),
    ]);
    await this.#step.run(this.#binding()[this.#turn], { signal });
  }

  /** Keys or values of a layer, `[window · tokens, dim]`, slot by slot. For tests and tools. */
  readCache(layer: number, part: "k" | "v"): Promise<Float32Array<ArrayBufferLike>> {
    return this.#caches.get(causalWanNames.cache(layer, part))!.read();
  }

  /** Rows (0, row) of the cache that the chunk's tokens go to. */
  #rows(segments: readonly CacheSegment[]): BigInt64Array {
    const perFrame = this.#tokensPerFrame;
    const rows = new BigInt64Array(this.#chunk.frames * perFrame * 2);
    for (const { offset, slot, frames } of segments) {
      for (let i = 0; i < frames * perFrame; i++) {
        rows[(offset * perFrame + i) * 2 + 1] = BigInt(slot * perFrame + i);
      }
    }
    return rows;
  }

  /** Views of the caches' first `visible` frames, each bound as input and as output. */
  #binding(): readonly [Binding, Binding] {
    const visible = this.#visible;
    const known = this.#bindings.get(visible);
    if (known) return known;
    const rows = visible * this.#tokensPerFrame;
    const { nextSigma, ...inputs } = this.#inputs;
    const bind = (read: 0 | 1, write: 0 | 1) => {
      const binding = this.#stack.use(this.#step.createBinding());
      for (const [name, tensor] of Object.entries(inputs)) binding.input(name, tensor as Tensor);
      binding.input("next-sigma", nextSigma);
      for (const [name, text] of this.#texts) binding.input(name, text);
      for (const [name, cache] of this.#caches) {
        using view = cache.view([1, rows, this.#sizes.dim]);
        binding.input(name, view).output(`${name}.updated`, view);
      }
      return binding
        .input("latents", this.#latents[read])
        .output("next", this.#latents[write]);
    };
    const pair = [bind(0, 1), bind(1, 0)] as const;
    this.#bindings.set(visible, pair);
    return pair;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
