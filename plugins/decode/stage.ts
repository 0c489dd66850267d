import { checkWeights } from "../../engine/load/mod.ts";
import type { CreateContext, Frames, Latents, RunContext, Stage } from "../../pipeline/mod.ts";
import { attentionOn, autoencoderOf } from "../_autoencoders.ts";
import { openStageDevice } from "../_devices.ts";
import { mending, openWeights } from "../_files.ts";
import { checking } from "../_loading.ts";
import { diffusionModels } from "../_models.ts";
import { choosePrecision } from "../_precision.ts";
import { networkOf, piecesOf } from "./choose.ts";
import { Decoder } from "./decoder.ts";
import type { DecodeOptions } from "./options.ts";

/** Decodes every chunk that comes. */
export class DecodeStage implements Stage<"latents", "frames"> {
  readonly name = "decode";
  readonly takes = "latents";
  readonly gives = "frames";
  readonly #stack: AsyncDisposableStack;
  readonly #decoder: Decoder;
  readonly #pieceOf: (shape: Latents["shape"]) => number;

  private constructor(
    stack: AsyncDisposableStack,
    decoder: Decoder,
    pieceOf: (shape: Latents["shape"]) => number,
  ) {
    this.#stack = stack;
    this.#decoder = decoder;
    this.#pieceOf = pieceOf;
  }

  static async create(options: DecodeOptions, context: CreateContext): Promise<DecodeStage> {
    const { network } = options;
    const { signal, report } = context;
    const model = autoencoderOf("decode", options);
    const weights = await openWeights({
      option: "decode.weights",
      path: options.weights,
      builtIn: model.weights,
      network,
      directory: context.directory,
    });
    await using stack = new AsyncDisposableStack();
    const device = stack.use(await openStageDevice(options, context));
    const dtype = await choosePrecision(device, options.precision);
    const loaded = networkOf(model, await attentionOn(device, model), dtype);
    const { graph } = loaded.build({ frames: 1, height: 1, width: 1 }, true);
    const looking = { allowSurplus: true, signal, ...checking(report) };
    await mending(() => checkWeights([graph], weights, looking));
    const decoder = stack.use(new Decoder(device, loaded, weights, options.profile));
    const pieceOf = ([frames, , height, width]: Latents["shape"]) =>
      piecesOf(loaded, options.batch, frames, height * width);
    // Ready before the first chunk comes, if that is of the size the embedded model was made for.
    if (network === "embedded") {
      const { chunk, height, width } = diffusionModels.embedded;
      const { latentChannels, pixelsPerCell } = loaded;
      const shape = [chunk, latentChannels, height / pixelsPerCell, width / pixelsPerCell] as const;
      const frames = pieceOf(shape);
      await decoder.prepare({ frames, height: shape[2], width: shape[3] }, signal);
    }
    return new DecodeStage(stack.move(), decoder, pieceOf);
  }

  async *process(
    chunks: AsyncIterable<Latents>,
    { signal }: RunContext,
  ): AsyncGenerator<Frames> {
    await this.#decoder.restart();
    let first = 0;
    for await (const { index, last, data, shape, prompt } of chunks) {
      const [frames, channels, height, width] = shape;
      const piece = this.#pieceOf(shape);
      const cells = channels * height * width;
      const parts = [];
      for (let from = 0; from < frames; from += piece) {
        const to = Math.min(frames, from + piece);
        const latents = data.subarray(from * cells, to * cells);
        parts.push(
          await this.#decoder.decode(latents, { frames: to - from, height, width }, signal),
        );
      }
      const pictures = joined(parts);
      yield { index, last, first, prompt, ...pictures };
      first += pictures.shape[0];
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function joined(
  parts: readonly {
    readonly data: Uint8Array<ArrayBuffer>;
    readonly frames: number;
    readonly height: number;
    readonly width: number;
  }[],
): Pick<Frames, "data" | "shape"> {
  const [{ data, height, width }] = parts as [typeof parts[number]];
  const frames = parts.reduce((sum, part) => sum + part.frames, 0);
  const shape = [frames, height, width, 3] as const;
  if (parts.length === 1) return { data, shape };
  const all = new Uint8Array(frames * height * width * 3);
  let at = 0;
  for (const part of parts) {
    all.set(part.data, at);
    at += part.data.length;
  }
  return { data: all, shape };
}
