/** A causal Wan's passes over chunks of one length, their latents on the device from pass to pass. */

import type { CacheSegment, ChunkPlan } from "../../engine/diffusion/mod.ts";
import {
  type ChunkShape,
  rotaryTables,
  timestepSinusoid,
  tokensPerFrame,
  type WanConfig,
} from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import type { PromptMemory } from "./prompt_memory.ts";

/** What a pass is told. */
export interface PassLevel {
  readonly timestep: number;
  /** Share of noise in the latents. */
  readonly sigma: number;
  /** Share of noise mixed into the guess; 0 leaves the guess, `latents − sigma flow`. */
  readonly nextSigma: number;
}

/** Latents, inputs and bindings of one chunk length. One call at a time. */
export class ChunkPasses implements Disposable {
  readonly #sizes: WanConfig;
  readonly #shape: ChunkShape;
  readonly #tokensPerFrame: number;
  readonly #stack: DisposableStack;
  readonly #session: Session;
  readonly #inputs: {
    readonly time: Tensor<"float32">;
    readonly cos: Tensor<"float32">;
    readonly sin: Tensor<"float32">;
    readonly slots: Tensor<"int64">;
    readonly sigma: Tensor<"float32">;
    readonly "next-sigma": Tensor<"float32">;
    readonly noise: Tensor<"float32">;
  };
  /** A pass reads one and writes the other. */
  readonly #latents: readonly [Tensor<"float32">, Tensor<"float32">];
  /** Bindings that read latents 0 and 1, by prompt and number of visible frames. */
  readonly #bindings = new Map<PromptMemory, Map<number, readonly [Binding, Binding]>>();
  #turn: 0 | 1 = 0;
  #visible = 0;

  /** @param session of `causalWan` for chunks of `shape` */
  constructor(device: Device, session: Session, sizes: WanConfig, shape: ChunkShape) {
    const { dim, inDim, numHeads, freqDim } = sizes;
    this.#sizes = sizes;
    this.#shape = shape;
    this.#session = session;
    this.#tokensPerFrame = tokensPerFrame(sizes, shape);
    using stack = new DisposableStack();
    const float = (dims: readonly number[]) => stack.use(device.createTensor("float32", dims));
    const tokens = shape.frames * this.#tokensPerFrame;
    const latents = [shape.frames, inDim, shape.height, shape.width];
    const pairs = dim / numHeads / 2;
    this.#latents = [float(latents), float(latents)];
    this.#inputs = {
      time: float([1, freqDim]),
      cos: float([tokens, pairs]),
      sin: float([tokens, pairs]),
      slots: stack.use(device.createTensor("int64", [1, tokens, 2])),
      sigma: float([1]),
      "next-sigma": float([1]),
      noise: float(latents),
    };
    this.#stack = stack.move();
  }

  /** Of a chunk's latents, `[frames, channels, height, width]`. */
  get latentsShape(): readonly [number, number, number, number] {
    return this.#latents[0].shape as readonly [number, number, number, number];
  }

  /** The chunk that the passes to come are over: its positions and its places in the cache. */
  async begin(chunk: ChunkPlan): Promise<void> {
    const { dim, numHeads, patchSize } = this.#sizes;
    const grid = {
      firstFrame: chunk.frame,
      frames: chunk.frames,
      rows: this.#shape.height / patchSize[1],
      columns: this.#shape.width / patchSize[2],
    };
    const { cos, sin } = rotaryTables(grid, dim / numHeads);
    this.#visible = chunk.visible;
    await Promise.all([
      this.#inputs.cos.write(cos),
      this.#inputs.sin.write(sin),
      this.#inputs.slots.write(this.#rows(chunk.slots)),
    ]);
  }

  /** The latents that the next pass reads. */
  write(latents: Float32Array): Promise<void> {
    return this.#latents[this.#turn].write(latents);
  }

  /** A copy of the latents that the next pass would read. */
  read(): Promise<Float32Array> {
    return this.#latents[this.#turn].read();
  }

  /** A copy of what the last pass gave; the next reads what the last one read, unless `advance` is called. */
  readGiven(): Promise<Float32Array> {
    return this.#latents[this.#turn === 0 ? 1 : 0].read();
  }

  /** Makes what the last pass gave the latents of the next. */
  advance(): void {
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  /** Runs the network over the chunk: keys and values go to the prompt's cache, latents to the next level. */
  async run(
    memory: PromptMemory,
    { timestep, sigma, nextSigma }: PassLevel,
    noise: Float32Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const inputs = this.#inputs;
    await Promise.all([
      inputs.time.write(timestepSinusoid(timestep, this.#sizes.freqDim)),
      inputs.sigma.write(new Float32Array([sigma])),
      inputs["next-sigma"].write(new Float32Array([nextSigma])),
      noise && inputs.noise.write(noise),
    ]);
    await this.#session.run(this.#binding(memory)[this.#turn], { signal });
  }

  /** Rows (0, row) of the cache that the chunk's tokens go to. */
  #rows(segments: readonly CacheSegment[]): BigInt64Array {
    const perFrame = this.#tokensPerFrame;
    const rows = new BigInt64Array(this.#shape.frames * perFrame * 2);
    for (const { offset, slot, frames } of segments) {
      for (let i = 0; i < frames * perFrame; i++) {
        rows[(offset * perFrame + i) * 2 + 1] = BigInt(slot * perFrame + i);
      }
    }
    return rows;
  }

  /** Views of the caches' first `visible` frames, each bound as input and as output. */
  #binding(memory: PromptMemory): readonly [Binding, Binding] {
    let bindings = this.#bindings.get(memory);
    if (!bindings) this.#bindings.set(memory, bindings = new Map());
    const known = bindings.get(this.#visible);
    if (known) return known;
    const rows = this.#visible * this.#tokensPerFrame;
    const bind = (read: 0 | 1, write: 0 | 1) => {
      const binding = this.#stack.use(this.#session.createBinding());
      for (const [name, tensor] of Object.entries(this.#inputs)) {
        binding.input(name, tensor as Tensor);
      }
      for (const [name, text] of memory.texts) binding.input(name, text);
      for (const [name, cache] of memory.caches) {
        using view = cache.view([1, rows, this.#sizes.dim]);
        binding.input(name, view).output(`${name}.updated`, view);
      }
      return binding
        .input("latents", this.#latents[read])
        .output("next", this.#latents[write]);
    };
    const pair = [bind(0, 1), bind(1, 0)] as const;
    bindings.set(this.#visible, pair);
    return pair;
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}
