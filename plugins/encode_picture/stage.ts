import { checkWeights } from "../../engine/load/mod.ts";
import {
  type Conditioning,
  type CreateContext,
  type GivenLatents,
  type Prompt,
  type RunContext,
  type Stage,
  UserError,
} from "../../pipeline/mod.ts";
import { picturesOf } from "../../pipeline/pictures.ts";
import { attentionOn, autoencoderOf } from "../_autoencoders.ts";
import { openStageDevice } from "../_devices.ts";
import { mending } from "../_files.ts";
import type { DecoderModel } from "../_models.ts";
import { choosePrecision } from "../_precision.ts";
import { sizeOf, weightsFor } from "./choose.ts";
import { Encoder } from "./encoder.ts";
import { encoderOf } from "./networks.ts";
import type { EncodePictureOptions } from "./options.ts";
import { readClipEnd, readClipStart, readStill } from "./read.ts";

/** Encodes what the first prompt of a run begins with. The network is loaded when it is first wanted. */
export class PictureStage implements Stage<"conditioning", "conditioning"> {
  readonly name = "encode-picture";
  readonly takes = "conditioning";
  readonly gives = "conditioning";
  readonly #options: EncodePictureOptions;
  readonly #context: CreateContext;
  readonly #model: DecoderModel;
  readonly #size: { readonly height: number; readonly width: number };
  readonly #stack = new AsyncDisposableStack();
  #encoder: Encoder | undefined;

  constructor(options: EncodePictureOptions, context: CreateContext) {
    this.#model = autoencoderOf("encode-picture", options);
    this.#size = sizeOf(options, this.#model);
    this.#options = options;
    this.#context = context;
  }

  async *process(
    input: AsyncIterable<Conditioning>,
    { signal, report }: RunContext,
  ): AsyncGenerator<Conditioning> {
    let begun = false;
    for await (const conditioning of input) {
      const { prompt } = conditioning;
      const wanted = prompt.image !== undefined || prompt.video !== undefined;
      if (wanted && begun) {
        report({
          type: "warning",
          message: "The picture or clip of a later prompt is not seen: a video begins once.",
        });
      }
      yield wanted && !begun
        ? { ...conditioning, given: await this.#encode(prompt, signal, report) }
        : conditioning;
      begun = true;
    }
  }

  async #encode(
    { image, video, strength = this.#options.strength }: Prompt,
    signal: AbortSignal,
    report: RunContext["report"],
  ): Promise<GivenLatents> {
    if (image !== undefined && video !== undefined) {
      throw new UserError("A video begins with a picture or with a clip's end, not with both.");
    }
    if (video === undefined) return await this.#encodeStill(image!, signal);
    if (strength === undefined) return await this.#encodeEnd(video, signal);
    return { ...await this.#encodeStart(video, signal, report), strength };
  }

  async #encodeStill(path: string, signal: AbortSignal): Promise<GivenLatents> {
    const { chunk, independentFirstFrame } = this.#options;
    // One latent frame where the network takes one; else a chunk of the picture standing still.
    const still = await readStill(path, { ...this.#size, signal });
    const latentFrames = independentFirstFrame ? 1 : chunk;
    return await this.#given(new Array(picturesOf(latentFrames)).fill(still), signal);
  }

  /** The clip's end, for the video to go on from. */
  async #encodeEnd(path: string, signal: AbortSignal): Promise<GivenLatents> {
    const { fps, most: latents = MOST_GIVEN } = this.#options;
    const most = picturesOf(this.#whole(latents));
    const pictures = await readClipEnd(path, { ...this.#size, signal, fps, most });
    const count = Math.min(most, picturesOf(this.#whole(latentsOf(pictures.length), true)));
    // A clip that is shorter than a chunk stands still at first.
    const missing = Math.max(0, count - pictures.length);
    const before = new Array<Uint8Array>(missing).fill(pictures[0]!);
    return await this.#given([...before, ...pictures].slice(-count), signal);
  }

  /** The clip from its beginning on, for the video to be made over. */
  async #encodeStart(
    path: string,
    signal: AbortSignal,
    report: RunContext["report"],
  ): Promise<GivenLatents> {
    const { fps, most: latents = MOST_OVER } = this.#options;
    const most = picturesOf(this.#whole(latents));
    const { pictures, more } = await readClipStart(path, { ...this.#size, signal, fps, most });
    const count = Math.min(most, picturesOf(this.#whole(latentsOf(pictures.length), true)));
    if (more || count < pictures.length) {
      report({
        type: "warning",
        message: `Only the first ${count} pictures of ${path} are made over: ${
          more
            ? "the video may not be longer (diffuse.latent-frames, encode-picture.most)"
            : "the rest fills no whole chunk"
        }.`,
      });
    }
    // A clip that is shorter than a chunk stands still in the end.
    const missing = Math.max(0, count - pictures.length);
    const after = new Array<Uint8Array>(missing).fill(pictures.at(-1)!);
    return await this.#given([...pictures, ...after].slice(0, count), signal);
  }

  /** Latent frames in whole chunks, of which so many are to be had: at least one where a clip may stand still. */
  #whole(latentFrames: number, still = false): number {
    const { chunk, independentFirstFrame } = this.#options;
    const alone = independentFirstFrame ? 1 : 0;
    const chunks = Math.floor((latentFrames - alone) / chunk);
    const whole = alone + (still ? Math.max(1, chunks) : chunks) * chunk;
    if (whole > 0) return whole;
    throw new UserError(
      `Cannot take a clip: of its latent frames ${latentFrames} are taken at most, less than a chunk of ${chunk}. ` +
        `Take more: --set encode-picture.most=${chunk}.`,
    );
  }

  async #given(pictures: readonly Uint8Array[], signal: AbortSignal): Promise<GivenLatents> {
    this.#encoder ??= await this.#load(signal);
    return await this.#encoder.encode(pictures, signal);
  }

  async #load(signal: AbortSignal): Promise<Encoder> {
    const model = this.#model;
    const weights = await weightsFor(this.#options, model, this.#context.directory);
    await using stack = new AsyncDisposableStack();
    const device = stack.use(await openStageDevice(this.#options, { ...this.#context, signal }));
    const dtype = await choosePrecision(device, this.#options.precision);
    const loaded = encoderOf(model, await attentionOn(device, model), dtype);
    const { graph } = loaded.build("next", loaded.pixelsPerCell, loaded.pixelsPerCell);
    await mending(() => checkWeights([graph], weights, { allowSurplus: true, signal }));
    const encoder = stack.use(await Encoder.load(device, loaded, weights, this.#size, signal));
    this.#stack.use(stack.move());
    return encoder;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Latent frames of a clip that are taken at most, unless an option says so: of its end, and of its beginning. */
const MOST_GIVEN = 6;
const MOST_OVER = 21;

/** Whole latent frames that so many pictures make. */
function latentsOf(pictures: number): number {
  return Math.floor((pictures - 1) / 4) + 1;
}
