/** A decoder on a device, streaming: pieces of a clip in, pictures out, memories carried along. */

import { loadGraph } from "../../engine/load/mod.ts";
import type { ClipShape, Precision } from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import { zeros } from "../../engine/tensor/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import type { DecoderGraph, DecoderNetwork } from "./networks.ts";

/** Pictures of one piece. */
export interface Pictures {
  /** RGB bytes `[frames, height, width, 3]`. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** What pieces of one shape are decoded with. */
interface Loaded {
  readonly session: Session;
  readonly latents: Tensor<"float32">;
  readonly rgb: Tensor<"uint8">;
  /** One reads the memories that the other writes; the same binding twice where they are replaced in place. */
  readonly bindings: readonly [Binding, Binding];
}

/** The two copies of every memory, by name; one and the same where they are replaced in place. */
type Memories = ReadonlyMap<string, readonly [Tensor<Precision>, Tensor<Precision>]>;

/** A streaming decoder. One clip at a time, one call at a time. */
export class Decoder implements AsyncDisposable {
  readonly #device: Device;
  readonly #network: DecoderNetwork;
  readonly #weights: WeightFile;
  readonly #profile: string | undefined;
  readonly #stack = new AsyncDisposableStack();
  readonly #loaded = new Map<string, Loaded>();
  /** They outlive the piece's length, not the picture's size. */
  #memories: { readonly size: string; readonly tensors: Memories } | undefined;
  #turn: 0 | 1 = 0;
  #begun = false;

  constructor(device: Device, network: DecoderNetwork, weights: WeightFile, profile?: string) {
    this.#device = device;
    this.#network = network;
    this.#weights = weights;
    this.#profile = profile;
  }

  /** Begins a new clip: nothing has been seen before it. */
  async restart(): Promise<void> {
    this.#begun = false;
    if (this.#network.ownFirst) return;
    for (const pair of this.#memories?.tensors.values() ?? []) {
      const { data } = zeros(pair[0].dtype, pair[0].shape);
      await pair[this.#turn].write(data);
    }
  }

  /**
   * Decodes the next piece of the clip.
   *
   * @param latents `[frames, channels, height, width]`
   */
  async decode(latents: Float32Array, shape: ClipShape, signal?: AbortSignal): Promise<Pictures> {
    const loaded = await this.#load(shape, !this.#begun, signal);
    const { session, latents: input, rgb, bindings } = loaded;
    await input.write(latents);
    await session.run(bindings[this.#turn], { signal });
    this.#turn = this.#turn === 0 ? 1 : 0;
    const [frames, height, width] = rgb.shape as [number, number, number];
    const trim = this.#begun ? 0 : this.#network.trim;
    this.#begun = true;
    const data = (await rgb.read()) as Uint8Array<ArrayBuffer>;
    return { data: data.subarray(trim * height * width * 3), frames: frames - trim, height, width };
  }

  /** Loads what clips in pieces of this shape need, if it is not loaded yet. */
  async prepare(shape: ClipShape, signal?: AbortSignal): Promise<void> {
    await this.#load(shape, true, signal);
    await this.#load(shape, false, signal);
  }

  async #load(shape: ClipShape, first: boolean, signal?: AbortSignal): Promise<Loaded> {
    const { frames, height, width } = shape;
    const { ownFirst, latentChannels } = this.#network;
    const key = `${frames} × ${height} × ${width}${ownFirst && first ? ", first" : ""}`;
    const known = this.#loaded.get(key);
    if (known) return known;
    const { graph, memories } = this.#network.build(shape, first);
    const session = this.#stack.use(
      await loadGraph(this.#device, graph, this.#weights, {
        // All its products are in the graph's type.
        tf32: graph.dtype === "float16",
        // A run's first piece comes once: the others need not lie beside its memory.
        keepMemory: !(ownFirst && first),
        ...(signal && { signal }),
        ...(this.#profile && { profile: this.#profile }),
      }),
    );
    const tensors = await this.#remember(
      `${height} × ${width}`,
      memories,
      graph.dtype as Precision,
    );
    const latents = this.#stack.use(
      this.#device.createTensor("float32", [frames, latentChannels, height, width]),
    );
    const pictures = graph.outputs.find(({ name }) => name === "rgb")!.value.dims as number[];
    const rgb = this.#stack.use(this.#device.createTensor("uint8", pictures, { on: "host" }));
    const reads = new Set(graph.inputs.map(({ name }) => name));
    const bind = (read: 0 | 1, write: 0 | 1) => {
      const binding = this.#stack.use(session.createBinding());
      binding.input("latents", latents).output("rgb", rgb);
      for (const [name, pair] of tensors) {
        if (reads.has(name)) binding.input(name, pair[read]);
        binding.output(`${name}.next`, pair[write]);
      }
      return binding;
    };
    const forth = bind(0, 1);
    const bindings = [forth, this.#network.inPlace ? forth : bind(1, 0)] as const;
    const loaded: Loaded = { session, latents, rgb, bindings };
    this.#loaded.set(key, loaded);
    return loaded;
  }

  /** Memories for pictures of one size, zeros at first where they are read then. */
  async #remember(
    size: string,
    wanted: DecoderGraph["memories"],
    dtype: Precision,
  ): Promise<Memories> {
    if (this.#memories?.size === size) return this.#memories.tensors;
    if (this.#memories) {
      throw new RangeError(
        `cannot decode latents of ${size} cells: this clip is of ${this.#memories.size}`,
      );
    }
    const { inPlace, ownFirst } = this.#network;
    const tensors = new Map(
      wanted.map(({ name, shape }) => {
        const make = () => this.#stack.use(this.#device.createTensor(dtype, shape));
        const one = make();
        return [name, [one, inPlace ? one : make()] as const] as const;
      }),
    );
    this.#memories = { size, tensors };
    if (!ownFirst) await this.restart();
    return tensors;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
