/**
 * The causal Wan on a device: its key-value cache, its text's keys and values, and the chunk that is being
 * made. In few-step sampling latents stay on the device from noise to the clean chunk.
 */

import type { CausalModel, GuessingModel, PromptSide } from "../../engine/diffusion/mod.ts";
import { checkWeights, loadGraph } from "../../engine/load/mod.ts";
import {
  causalWan,
  causalWanNames,
  type ChunkShape,
  tokensPerFrame,
  wanContext,
} from "../../engine/networks/mod.ts";
import type { Device, Session } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import { checking, toDevice } from "../_loading.ts";
import { ChunkPasses } from "./chunk_passes.ts";
import { formOn, type TransformerOptions } from "./form.ts";
import { PromptMemory } from "./prompt_memory.ts";
import type { Transformer } from "./transformer.ts";

/** How the model is loaded. */
export interface CausalWanModelOptions extends TransformerOptions {
  /** The usual chunk. Chunks of other lengths are loaded when they first come, or by `prepare`. */
  readonly chunk: ChunkShape;
  /** Latent frames that the cache holds. */
  readonly window: number;
}

/** Loads the session for chunks of so many latent frames. */
type LoadStep = (frames: number, signal?: AbortSignal) => Promise<Session>;

/** A causal Wan, loaded. One run at a time, one call at a time. */
export class CausalWanModel implements Transformer {
  readonly #device: Device;
  readonly #options: CausalWanModelOptions;
  readonly #stack: AsyncDisposableStack;
  readonly #loadStep: LoadStep;
  readonly #context: Session;
  readonly #positive: PromptMemory;
  #negative: PromptMemory | undefined;
  /** By their latent frames. They share the caches. */
  readonly #lengths = new Map<number, ChunkPasses>();
  /** Those of the chunk that is being made. */
  #passes: ChunkPasses;

  /** Only takes what was made before: nothing can fail here that would leave the stack to nobody. */
  private constructor(
    device: Device,
    options: CausalWanModelOptions,
    parts: {
      readonly loadStep: LoadStep;
      readonly context: Session;
      readonly positive: PromptMemory;
      readonly passes: ChunkPasses;
    },
    stack: AsyncDisposableStack,
  ) {
    this.#device = device;
    this.#options = options;
    this.#stack = stack;
    this.#loadStep = parts.loadStep;
    this.#context = parts.context;
    this.#positive = parts.positive;
    this.#passes = parts.passes;
    this.#lengths.set(options.chunk.frames, parts.passes);
  }

  /** Loads the network's two graphs. Rejects with a `WeightsError` where the file does not fit them. */
  static async load(
    device: Device,
    weights: WeightFile,
    options: CausalWanModelOptions,
  ): Promise<CausalWanModel> {
    const { sizes, chunk, signal, profile, report } = options;
    const form = await formOn(device, options);
    const graphOf = (frames: number) => causalWan(sizes, { ...chunk, frames }, form);
    const contextGraph = wanContext(sizes, form);
    const looking = { ...(signal && { signal }), ...checking(report) };
    await checkWeights([graphOf(chunk.frames), contextGraph], weights, looking);
    toDevice(report);
    const loadStep: LoadStep = (frames, signal) => {
      const name = frames === chunk.frames ? profile : profile && `${profile}-${frames}-frames`;
      const loading = { ...(signal && { signal }), ...(name && { profile: name }) };
      return loadGraph(device, graphOf(frames), weights, loading);
    };
    await using stack = new AsyncDisposableStack();
    const step = stack.use(await loadStep(chunk.frames, signal));
    const context = stack.use(
      await loadGraph(device, contextGraph, weights, { ...(signal && { signal }) }),
    );
    const positive = stack.use(createMemory(device, context, options));
    const passes = stack.use(new ChunkPasses(device, step, sizes, chunk));
    const parts = { loadStep, context, positive, passes };
    return new CausalWanModel(device, options, parts, stack.move());
  }

  /** Loads what chunks of so many latent frames need, unless it is there. */
  async prepare(frames: number, signal?: AbortSignal): Promise<void> {
    if (this.#lengths.has(frames)) return;
    const { sizes, chunk } = this.#options;
    const session = this.#stack.use(await this.#loadStep(frames, signal));
    const shape = { ...chunk, frames };
    const passes = this.#stack.use(new ChunkPasses(this.#device, session, sizes, shape));
    this.#lengths.set(frames, passes);
  }

  /** Of the usual chunk's latents, `[frames, channels, height, width]`. */
  get latentsShape(): readonly [number, number, number, number] {
    return this.#lengths.get(this.#options.chunk.frames)!.latentsShape;
  }

  /** Bytes of the key-value caches: one, and another where there is a negative prompt. */
  get cacheBytes(): number {
    return this.#positive.cacheBytes + (this.#negative?.cacheBytes ?? 0);
  }

  /**
   * The prompt of the passes to come; the negative one has text and cache of its own, which cost no memory
   * before. @param embeddings `[textLen, textDim]`
   */
  async condition(
    embeddings: Float32Array,
    signal?: AbortSignal,
    side: PromptSide = "positive",
  ): Promise<void> {
    if (side === "negative") {
      this.#negative ??= this.#stack.use(createMemory(this.#device, this.#context, this.#options));
    }
    await this.#memory(side).condition(embeddings, signal);
  }

  /** The model as a rollout of few steps drives it, every pass given up when `signal` is aborted. */
  during(signal?: AbortSignal): CausalModel {
    return {
      begin: async (chunk, latents) => {
        await this.#begin(chunk.frames, signal);
        await Promise.all([this.#passes.begin(chunk), this.#passes.write(latents)]);
      },
      denoise: async (_chunk, pass, noise) => {
        await this.#passes.run(this.#positive, pass, noise, signal);
        this.#passes.advance();
      },
      latents: () => this.#passes.read(),
      // Clean latents go in and nothing is taken out but the keys and values.
      remember: (_chunk, timestep) =>
        this.#passes.run(this.#positive, cleanAt(timestep), undefined, signal),
    };
  }

  /** The model as `multiStepModel` drives it, every pass given up when `signal` is aborted. */
  guessing(signal?: AbortSignal): GuessingModel {
    return {
      begin: async (chunk) => {
        await this.#begin(chunk.frames, signal);
        await this.#passes.begin(chunk);
      },
      guess: async (latents, { timestep, sigma }, side) => {
        const passes = this.#passes;
        await passes.write(latents);
        await passes.run(this.#memory(side), { timestep, sigma, nextSigma: 0 }, undefined, signal);
        return await passes.readGiven();
      },
      remember: async (latents, timestep, side) => {
        await this.#passes.write(latents);
        await this.#passes.run(this.#memory(side), cleanAt(timestep), undefined, signal);
      },
    };
  }

  /** Keys or values of a layer, `[window · tokens, dim]`, slot by slot. For tests and tools. */
  async readCache(
    layer: number,
    part: "k" | "v",
    side: PromptSide = "positive",
  ): Promise<Float32Array> {
    const data = await this.#memory(side).caches.get(causalWanNames.cache(layer, part))!.read();
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  async #begin(frames: number, signal: AbortSignal | undefined): Promise<void> {
    await this.prepare(frames, signal);
    this.#passes = this.#lengths.get(frames)!;
  }

  #memory(side: PromptSide): PromptMemory {
    const memory = side === "positive" ? this.#positive : this.#negative;
    if (!memory) throw new TypeError("cannot follow a negative prompt: expected condition() first");
    return memory;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function createMemory(
  device: Device,
  context: Session,
  { sizes, chunk, window }: CausalWanModelOptions,
): PromptMemory {
  return new PromptMemory(device, context, sizes, window * tokensPerFrame(sizes, chunk));
}

function cleanAt(timestep: number) {
  return { timestep, sigma: 0, nextSigma: 0 };
}
