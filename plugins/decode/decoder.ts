/** TAEHV on a device, streaming: pieces of a clip in, pictures out, memories carried along. */

import { loadGraph } from "../../engine/load/mod.ts";
import {
  type ClipShape,
  framesToTrim,
  spatialFactor,
  type TaehvConfig,
  taehvDecoder,
  temporalFactor,
} from "../../engine/networks/mod.ts";
import type { Binding, Device, Session, Tensor } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";

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
  /** One reads the memories that the other writes: a memory is read until its successor is whole. */
  readonly bindings: readonly [Binding, Binding];
}

/** The two copies of every memory, by name. They outlive the piece's length, not the picture's size. */
interface Memories {
  readonly size: string;
  readonly tensors: ReadonlyMap<string, readonly [Tensor<"float32">, Tensor<"float32">]>;
}

/** A streaming decoder. One clip at a time, one call at a time. */
export class Decoder implements AsyncDisposable {
  readonly #device: Device;
  readonly #sizes: TaehvConfig;
  readonly #weights: WeightFile;
  readonly #profile: string | undefined;
  readonly #stack = new AsyncDisposableStack();
  readonly #loaded = new Map<string, Loaded>();
  #memories: Memories | undefined;
  #turn: 0 | 1 = 0;
  #begun = false;

  constructor(device: Device, sizes: TaehvConfig, weights: WeightFile, profile?: string) {
    this.#device = device;
    this.#sizes = sizes;
    this.#weights = weights;
    this.#profile = profile;
  }

  /** Pictures of one latent frame. */
  get picturesPerLatent(): number {
    return temporalFactor(this.#sizes.decoderTimeUpscale);
  }

  /** Begins a new clip: nothing has been seen before it. */
  async restart(): Promise<void> {
    this.#begun = false;
    for (const pair of this.#memories?.tensors.values() ?? []) {
      await pair[this.#turn].write(new Float32Array(pair[0].size));
    }
  }

  /**
   * Decodes the next piece of the clip.
   *
   * @param latents `[frames, channels, height, width]`
   */
  async decode(latents: Float32Array, shape: ClipShape, signal?: AbortSignal): Promise<Pictures> {
    const { session, latents: input, rgb, bindings } = await this.prepare(shape, signal);
    await input.write(latents);
    await session.run(bindings[this.#turn], { signal });
    this.#turn = this.#turn === 0 ? 1 : 0;
    const [frames, height, width] = rgb.shape as [number, number, number];
    const trim = this.#begun ? 0 : framesToTrim(this.#sizes);
    this.#begun = true;
    const data = (await rgb.read()) as Uint8Array<ArrayBuffer>;
    return { data: data.subarray(trim * height * width * 3), frames: frames - trim, height, width };
  }

  /** Loads what pieces of this shape need, if it is not loaded yet. */
  async prepare(shape: ClipShape, signal?: AbortSignal): Promise<Loaded> {
    const { frames, height, width } = shape;
    const key = `${frames} × ${height} × ${width}`;
    const known = this.#loaded.get(key);
    if (known) return known;
    const { graph, memories } = taehvDecoder(this.#sizes, shape);
    const session = this.#stack.use(
      await loadGraph(this.#device, graph, this.#weights, {
        ...(signal && { signal }),
        ...(this.#profile && { profile: this.#profile }),
      }),
    );
    const { tensors } = await this.#remember(`${height} × ${width}`, memories);
    const { latentChannels } = this.#sizes;
    const pixels = spatialFactor(this.#sizes);
    const latents = this.#stack.use(
      this.#device.createTensor("float32", [frames, latentChannels, height, width]),
    );
    const rgb = this.#stack.use(
      this.#device.createTensor(
        "uint8",
        [frames * this.picturesPerLatent, height * pixels, width * pixels, 3],
        { on: "host" },
      ),
    );
    const bind = (read: 0 | 1, write: 0 | 1) => {
      const binding = this.#stack.use(session.createBinding());
      binding.input("latents", latents).output("rgb", rgb);
      for (const [name, pair] of tensors) {
        binding.input(name, pair[read]).output(`${name}.next`, pair[write]);
      }
      return binding;
    };
    const loaded: Loaded = { session, latents, rgb, bindings: [bind(0, 1), bind(1, 0)] };
    this.#loaded.set(key, loaded);
    return loaded;
  }

  /** Memories for pictures of one size, zeros at first. */
  async #remember(
    size: string,
    wanted: readonly { readonly name: string; readonly shape: readonly number[] }[],
  ): Promise<Memories> {
    if (this.#memories?.size === size) return this.#memories;
    if (this.#memories) {
      throw new RangeError(
        `cannot decode latents of ${size} cells: this clip is of ${this.#memories.size}`,
      );
    }
    const tensors = new Map(
      wanted.map(({ name, shape }) => {
        const make = () => this.#stack.use(this.#device.createTensor("float32", shape));
        return [name, [make(), make()] as const] as const;
      }),
    );
    this.#memories = { size, tensors };
    await this.restart();
    return this.#memories;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
