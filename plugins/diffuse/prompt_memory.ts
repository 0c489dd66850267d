/** What a causal Wan holds on a device for one prompt: the text's keys and values, and the cache. */

import {
  causalWanNames,
  contextName,
  type Precision,
  type WanConfig,
} from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";

/** Text and cache of one prompt. */
export class PromptMemory implements Disposable {
  /** `[1, window · tokens, dim]` by the name of their input. */
  readonly caches: ReadonlyMap<string, Tensor<Precision>>;
  /** `[1, textLen, dim]` by the name of their input. */
  readonly texts: ReadonlyMap<string, Tensor<Precision>>;
  readonly #stack: DisposableStack;
  readonly #context: Session;
  readonly #binding: Binding;
  readonly #embeddings: Tensor<"float32">;

  /**
   * @param context a session of `wanContext`; keys and values are in the type that it gives
   * @param rows of the cache: window · tokens of a frame; 0 for a network that has none
   */
  constructor(device: Device, context: Session, sizes: WanConfig, rows: number) {
    const { dim, numLayers, textDim, textLen } = sizes;
    using stack = new DisposableStack();
    const dtype = context.outputs[0]!.dtype as Precision;
    const kept = (shape: readonly number[]) => stack.use(device.createTensor(dtype, shape));
    this.#context = context;
    this.#embeddings = stack.use(device.createTensor("float32", [textLen, textDim]));
    this.#binding = stack.use(context.createBinding()).input("embeddings", this.#embeddings);
    const caches = new Map<string, Tensor<Precision>>();
    const texts = new Map<string, Tensor<Precision>>();
    for (let layer = 0; layer < numLayers; layer++) {
      for (const part of ["k", "v"] as const) {
        if (rows > 0) caches.set(causalWanNames.cache(layer, part), kept([1, rows, dim]));
        const text = kept([1, textLen, dim]);
        texts.set(contextName(layer, part), text);
        this.#binding.output(contextName(layer, part), text);
      }
    }
    this.caches = caches;
    this.texts = texts;
    this.#stack = stack.move();
  }

  /** The prompt of the passes to come. @param embeddings `[textLen, textDim]` */
  async condition(embeddings: Float32Array, signal?: AbortSignal): Promise<void> {
    await this.#embeddings.write(embeddings);
    await this.#context.run(this.#binding, { signal });
  }

  /** Bytes of the cache. */
  get cacheBytes(): number {
    return [...this.caches.values()].reduce((sum, cache) => sum + cache.bytes, 0);
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}
