/** A bidirectional Wan's passes over clips of one length. */

import {
  type ChunkShape,
  rotaryTables,
  timestepSinusoid,
  tokensPerFrame,
  type WanConfig,
} from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import type { PromptMemory } from "./prompt_memory.ts";

/** Session, inputs and bindings of one clip length. One call at a time. */
export class ClipPasses implements AsyncDisposable {
  readonly #sizes: WanConfig;
  readonly #session: Session;
  readonly #stack: DisposableStack;
  readonly #latents: Tensor<"float32">;
  readonly #time: Tensor<"float32">;
  readonly #positions: readonly [cos: Tensor<"float32">, sin: Tensor<"float32">];
  readonly #flow: Tensor<"float32">;
  readonly #bindings = new Map<PromptMemory, Binding>();

  private constructor(device: Device, session: Session, sizes: WanConfig, shape: ChunkShape) {
    this.#sizes = sizes;
    this.#session = session;
    using stack = new DisposableStack();
    const float = (dims: readonly number[]) => stack.use(device.createTensor("float32", dims));
    const latents = [shape.frames, sizes.inDim, shape.height, shape.width];
    const tokens = shape.frames * tokensPerFrame(sizes, shape);
    const pairs = sizes.dim / sizes.numHeads / 2;
    this.#latents = float(latents);
    this.#flow = float(latents);
    this.#time = float([1, sizes.freqDim]);
    this.#positions = [float([tokens, pairs]), float([tokens, pairs])];
    this.#stack = stack.move();
  }

  /** @param session of `wan` for clips of `shape`; closed with the passes, and where they do not come about */
  static async create(
    device: Device,
    session: Session,
    sizes: WanConfig,
    shape: ChunkShape,
  ): Promise<ClipPasses> {
    await using guard = new AsyncDisposableStack();
    guard.use(session);
    const passes = guard.use(new ClipPasses(device, session, sizes, shape));
    await passes.#writePositions(shape);
    guard.move();
    return passes;
  }

  /** What the network tells of noisy latents, `[frames, channels, height, width]` both: `noise − x0`. */
  async flow(
    memory: PromptMemory,
    latents: Float32Array,
    timestep: number,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    await Promise.all([
      this.#time.write(timestepSinusoid(timestep, this.#sizes.freqDim)),
      this.#latents.write(latents),
    ]);
    await this.#session.run(this.#binding(memory), { signal });
    return await this.#flow.read();
  }

  async #writePositions({ frames, height, width }: ChunkShape): Promise<void> {
    const { dim, numHeads, patchSize } = this.#sizes;
    const grid = {
      firstFrame: 0,
      frames,
      rows: height / patchSize[1],
      columns: width / patchSize[2],
    };
    const { cos, sin } = rotaryTables(grid, dim / numHeads);
    await Promise.all([this.#positions[0].write(cos), this.#positions[1].write(sin)]);
  }

  #binding(memory: PromptMemory): Binding {
    const known = this.#bindings.get(memory);
    if (known) return known;
    const binding = this.#stack.use(this.#session.createBinding())
      .input("latents", this.#latents)
      .input("time", this.#time)
      .input("cos", this.#positions[0])
      .input("sin", this.#positions[1])
      .output("flow", this.#flow);
    for (const [name, text] of memory.texts) binding.input(name, text);
    this.#bindings.set(memory, binding);
    return binding;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stack.dispose();
    await this.#session[Symbol.asyncDispose]();
  }
}
