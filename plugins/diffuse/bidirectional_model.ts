/** The bidirectional Wan on a device: a whole clip at once, every frame seeing every other; no cache. */

import {
  type CausalModel,
  fewStepModel,
  flowToX0,
  type GuessingModel,
  type PromptSide,
} from "../../engine/diffusion/mod.ts";
import { checkWeights, loadGraph } from "../../engine/load/mod.ts";
import { type ChunkShape, wan, wanContext } from "../../engine/networks/mod.ts";
import type { Device, Session } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import { checking, toDevice } from "../_loading.ts";
import { ClipPasses } from "./clip_passes.ts";
import { formOn, type TransformerOptions } from "./form.ts";
import { PromptMemory } from "./prompt_memory.ts";
import type { Transformer } from "./transformer.ts";

/** How the model is loaded. */
export interface BidirectionalWanModelOptions extends TransformerOptions {
  /** The whole clip, in latent frames and cells. For a clip of another length its network is loaded in place of this. */
  readonly clip: ChunkShape;
}

/** Loads what clips of so many latent frames are made with. */
type LoadPasses = (frames: number, signal?: AbortSignal) => Promise<ClipPasses>;

/**
 * A bidirectional Wan, loaded. A rollout drives it as one chunk that is the whole clip: `chunk`, `window` and
 * `latentFrames` are all the clip's frames. One run at a time, one call at a time.
 */
export class BidirectionalWanModel implements Transformer {
  readonly #options: BidirectionalWanModelOptions;
  readonly #stack: AsyncDisposableStack;
  readonly #device: Device;
  readonly #context: Session;
  readonly #loadPasses: LoadPasses;
  readonly #sides = new Map<PromptSide, PromptMemory>();
  #passes: { readonly frames: number; readonly loaded: ClipPasses } | undefined;

  private constructor(
    device: Device,
    options: BidirectionalWanModelOptions,
    context: Session,
    loadPasses: LoadPasses,
    stack: AsyncDisposableStack,
  ) {
    this.#device = device;
    this.#options = options;
    this.#context = context;
    this.#loadPasses = loadPasses;
    this.#stack = stack;
  }

  /** Loads the network's two graphs. Rejects with a `WeightsError` where the file does not fit them. */
  static async load(
    device: Device,
    weights: WeightFile,
    options: BidirectionalWanModelOptions,
  ): Promise<BidirectionalWanModel> {
    const { sizes, clip, signal, profile, report } = options;
    const loading = signal ? { signal } : {};
    const form = await formOn(device, options);
    const graphOf = (frames: number) => wan(sizes, { ...clip, frames }, form);
    const contextGraph = wanContext(sizes, form);
    const graphs = [graphOf(clip.frames), contextGraph];
    await checkWeights(graphs, weights, { ...loading, ...checking(report) });
    toDevice(report);
    const loadPasses: LoadPasses = async (frames, signal) => {
      const loading = { ...(signal && { signal }), ...(profile && { profile }) };
      const session = await loadGraph(device, graphOf(frames), weights, loading);
      return await ClipPasses.create(device, session, sizes, { ...clip, frames });
    };
    await using stack = new AsyncDisposableStack();
    const context = stack.use(await loadGraph(device, contextGraph, weights, loading));
    const model = new BidirectionalWanModel(device, options, context, loadPasses, stack.move());
    await using guard = new AsyncDisposableStack();
    guard.use(model);
    await model.#prepare(clip.frames, signal);
    guard.move();
    return model;
  }

  /** Of the usual clip's latents, `[frames, channels, height, width]`. */
  get latentsShape(): readonly [number, number, number, number] {
    const { sizes, clip } = this.#options;
    return [clip.frames, sizes.inDim, clip.height, clip.width];
  }

  /** The prompt of the passes to come. @param embeddings `[textLen, textDim]` */
  async condition(
    embeddings: Float32Array,
    signal?: AbortSignal,
    side: PromptSide = "positive",
  ): Promise<void> {
    let memory = this.#sides.get(side);
    if (!memory) {
      const { sizes } = this.#options;
      memory = this.#stack.use(new PromptMemory(this.#device, this.#context, sizes, 0));
      this.#sides.set(side, memory);
    }
    await memory.condition(embeddings, signal);
  }

  /** The model as a rollout of few steps drives it, every pass given up when `signal` is aborted. */
  during(signal?: AbortSignal): CausalModel {
    return fewStepModel(this.guessing(signal));
  }

  /** The model as `multiStepModel` drives it, every pass given up when `signal` is aborted. */
  guessing(signal?: AbortSignal): GuessingModel {
    return {
      begin: ({ frames }) => this.#prepare(frames, signal),
      guess: async (latents, { timestep, sigma }, side) => {
        const memory = this.#sides.get(side);
        if (!memory) {
          throw new TypeError(`cannot follow a ${side} prompt: expected condition() first`);
        }
        const flow = await this.#passes!.loaded.flow(memory, latents, timestep, signal);
        return flowToX0(flow, latents, sigma);
      },
      // There is one chunk, and nothing after it.
      remember: () => {},
    };
  }

  /** Loads what clips of so many latent frames need, in place of what is loaded for others. */
  async #prepare(frames: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#passes?.frames === frames) return;
    const before = this.#passes?.loaded;
    this.#passes = undefined;
    await before?.[Symbol.asyncDispose]();
    this.#passes = { frames, loaded: await this.#loadPasses(frames, signal) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#passes?.loaded[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }
}
