/** An encoder on a device: pictures in, latents out. */

import { loadGraph } from "../../engine/load/mod.ts";
import type { Precision } from "../../engine/networks/mod.ts";
import type { Device, Tensor } from "../../engine/runtime/mod.ts";
import { zeros } from "../../engine/tensor/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import type { GivenLatents } from "../../pipeline/mod.ts";
import type { EncoderNetwork } from "./networks.ts";

/** What encodes one latent frame. */
interface Loaded {
  readonly frames: Tensor<"float32">;
  readonly latents: Tensor<"float32">;
  readonly memories: ReadonlyMap<string, Remembered>;
  run(signal?: AbortSignal): Promise<void>;
}

/** What one piece of a clip leaves to the next. */
interface Remembered {
  readonly read: Tensor<Precision> | undefined;
  readonly written: Tensor<Precision>;
}

/** Encodes clips of one size, one call at a time. */
export class Encoder implements AsyncDisposable {
  readonly #network: EncoderNetwork;
  readonly #size: { readonly height: number; readonly width: number };
  readonly #stack: AsyncDisposableStack;
  readonly #first: Loaded;
  readonly #next: Loaded;

  private constructor(
    network: EncoderNetwork,
    size: { readonly height: number; readonly width: number },
    stack: AsyncDisposableStack,
    [first, next]: readonly [Loaded, Loaded],
  ) {
    this.#network = network;
    this.#size = size;
    this.#stack = stack;
    this.#first = first;
    this.#next = next;
  }

  /** Loads the network for pictures of a size in pixels. */
  static async load(
    device: Device,
    network: EncoderNetwork,
    weights: WeightFile,
    size: { readonly height: number; readonly width: number },
    signal?: AbortSignal,
  ): Promise<Encoder> {
    await using stack = new AsyncDisposableStack();
    const load = (part: "first" | "next") =>
      loadPiece(device, network, weights, { ...size, part }, stack, signal);
    const next = await load("next");
    const alike = network.firstPictures === network.picturesPerLatent;
    const first = alike ? next : await load("first");
    return new Encoder(network, size, stack.move(), [first, next]);
  }

  /**
   * Encodes a clip.
   *
   * @param pictures RGB bytes `[height, width, 3]` each; 4n + 1 of them for n + 1 latent frames
   */
  async encode(pictures: readonly Uint8Array[], signal?: AbortSignal): Promise<GivenLatents> {
    const { picturesPerLatent, firstPictures, latentChannels, pixelsPerCell } = this.#network;
    const frames = (pictures.length - 1) / picturesPerLatent + 1;
    if (!Number.isInteger(frames) || frames < 1) {
      throw new RangeError(
        `cannot encode ${pictures.length} pictures: expected one, and ${picturesPerLatent} for each latent frame more`,
      );
    }
    const { height, width } = this.#size;
    const cells = [height / pixelsPerCell, width / pixelsPerCell] as const;
    const values = latentChannels * cells[0] * cells[1];
    const data = new Float32Array(frames * values);
    let before: Loaded | undefined;
    let at = 0;
    for (let frame = 0; frame < frames; frame++) {
      const piece = frame === 0 ? this.#first : this.#next;
      const shown = pictures.slice(at, at += frame === 0 ? firstPictures : picturesPerLatent);
      // A network that looks ahead sees the last picture stand still behind the end, as it was trained to.
      while (shown.length < piece.frames.shape[0]!) shown.push(pictures.at(-1)!);
      await piece.frames.write(this.#planes(shown));
      for (const [name, { read }] of piece.memories) {
        if (!read) continue;
        const written = before?.memories.get(name)?.written;
        await (written ? read.copyFrom(written) : read.write(zeros(read.dtype, read.shape).data));
      }
      await piece.run(signal);
      data.set(await piece.latents.read(), frame * values);
      before = piece;
    }
    return { data, shape: [frames, latentChannels, ...cells] };
  }

  /** Bytes `[height, width, 3]` become numbers `[3, height, width]`, picture after picture. */
  #planes(pictures: readonly Uint8Array[]): Float32Array {
    const { height, width } = this.#size;
    const [black, white] = this.#network.range;
    const area = height * width;
    const planes = new Float32Array(pictures.length * 3 * area);
    pictures.forEach((pixels, i) => {
      for (let colour = 0; colour < 3; colour++) {
        const at = (i * 3 + colour) * area;
        for (let pixel = 0; pixel < area; pixel++) {
          planes[at + pixel] = black + pixels[pixel * 3 + colour]! / 255 * (white - black);
        }
      }
    });
    return planes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function loadPiece(
  device: Device,
  network: EncoderNetwork,
  weights: WeightFile,
  piece: { readonly part: "first" | "next"; readonly height: number; readonly width: number },
  stack: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): Promise<Loaded> {
  const { graph, memories } = network.build(piece.part, piece.height, piece.width);
  const session = stack.use(
    // All its products are in the graph's type.
    await loadGraph(device, graph, weights, {
      tf32: graph.dtype === "float16",
      // A clip's first piece comes once: the others need not lie beside its memory.
      keepMemory: piece.part === "next",
      ...(signal && { signal }),
    }),
  );
  const tensor = <D extends Precision>(dtype: D, shape: readonly number[]) =>
    stack.use(device.createTensor(dtype, shape));
  const pictures = graph.inputs.find(({ name }) => name === "frames")!;
  const encoded = graph.outputs.find(({ name }) => name === "latents")!.value;
  const frames = tensor("float32", pictures.dims as number[]);
  const latents = tensor("float32", encoded.dims as number[]);
  const binding = stack.use(session.createBinding());
  binding.input("frames", frames).output("latents", latents);
  const reads = new Set(graph.inputs.map(({ name }) => name));
  const remembered = new Map<string, Remembered>();
  const kept = graph.dtype as Precision;
  for (const { name, shape } of memories) {
    const read = reads.has(name) ? tensor(kept, shape) : undefined;
    const written = tensor(kept, shape);
    if (read) binding.input(name, read);
    binding.output(`${name}.next`, written);
    remembered.set(name, { read, written });
  }
  const run = (signal?: AbortSignal) => session.run(binding, { signal });
  return { frames, latents, memories: remembered, run };
}
