import { checkWeights, fusedAttentionWorks } from "../../engine/load/mod.ts";
import {
  type Conditioning,
  type CreateContext,
  type GivenLatents,
  type Prompt,
  type RunContext,
  type Stage,
  UserError,
} from "../../pipeline/mod.ts";
import { openStageDevice } from "../_devices.ts";
import { mending, openWeights } from "../_files.ts";
import { type DecoderModel, decoderModels, diffusionModels } from "../_models.ts";
import { choosePrecision } from "../_precision.ts";
import { Encoder } from "./encoder.ts";
import { encoderOf } from "./networks.ts";
import type { EncodePictureOptions } from "./options.ts";
import { readClipEnd, readStill } from "./read.ts";

/** Encodes what the first prompt of a run begins with. The network is loaded when it is first wanted. */
export class PictureStage implements Stage<"conditioning", "conditioning"> {
  readonly name = "encode-picture";
  readonly takes = "conditioning";
  readonly gives = "conditioning";
  readonly #options: EncodePictureOptions;
  readonly #context: CreateContext;
  readonly #size: { readonly height: number; readonly width: number };
  readonly #stack = new AsyncDisposableStack();
  #encoder: Encoder | undefined;

  constructor(options: EncodePictureOptions, context: CreateContext) {
    const made = diffusionModels[options.network === "embedded" ? "embedded" : "wan2.1-1.3b"];
    const { height = made.height, width = made.width } = options;
    this.#options = options;
    this.#context = context;
    this.#size = { height, width };
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
          message: "The picture of a later prompt is not seen: a video begins once.",
        });
      }
      yield wanted && !begun
        ? { ...conditioning, given: await this.#encode(prompt, signal) }
        : conditioning;
      begun = true;
    }
  }

  async #encode({ image, video }: Prompt, signal: AbortSignal): Promise<GivenLatents> {
    if (image !== undefined && video !== undefined) {
      throw new UserError("A video begins with a picture or with a clip's end, not with both.");
    }
    const { chunk, most, fps, independentFirstFrame } = this.#options;
    const alone = independentFirstFrame ? 1 : 0;
    const wanted = { ...this.#size, signal };
    if (image !== undefined) {
      // One latent frame where the network takes one; else a chunk of the picture standing still.
      const still = await readStill(image, wanted);
      const latentFrames = alone || chunk;
      return await this.#given(new Array(picturesOf(latentFrames)).fill(still), signal);
    }
    const latentFrames = alone + Math.floor((most - alone) / chunk) * chunk;
    if (latentFrames <= 0) {
      throw new UserError(
        `Cannot give the end of a clip: encode-picture.most is ${most}, less than a chunk of ${chunk} latent frames.`,
      );
    }
    const pictures = await readClipEnd(video!, { ...wanted, fps, most: picturesOf(latentFrames) });
    const whole = alone +
      Math.max(1, Math.floor((latentsOf(pictures.length) - alone) / chunk)) * chunk;
    const count = picturesOf(Math.min(whole, latentFrames));
    // A clip that is shorter than a chunk stands still at first.
    const missing = Math.max(0, count - pictures.length);
    const before = new Array<Uint8Array>(missing).fill(pictures[0]!);
    return await this.#given([...before, ...pictures].slice(-count), signal);
  }

  async #given(pictures: readonly Uint8Array[], signal: AbortSignal): Promise<GivenLatents> {
    this.#encoder ??= await this.#load(signal);
    return await this.#encoder.encode(pictures, signal);
  }

  async #load(signal: AbortSignal): Promise<Encoder> {
    const { network, weights: path, sizes } = this.#options;
    const known = decoderModels[network];
    for (const key of Object.keys(sizes ?? {})) {
      if (key in known.sizes) continue;
      throw new UserError(
        `Cannot set encode-picture.sizes.${key}: the network "${network}" has ${
          Object.keys(known.sizes).join(", ")
        }.`,
      );
    }
    const model = { ...known, sizes: { ...known.sizes, ...sizes } } as DecoderModel;
    const weights = await openWeights({
      option: "encode-picture.weights",
      path,
      builtIn: model.weights,
      network,
      directory: this.#context.directory,
    });
    const { pixelsPerCell, build } = encoderOf(model);
    for (const [side, pixels] of Object.entries(this.#size)) {
      if (pixels % pixelsPerCell === 0) continue;
      throw new UserError(
        `encode-picture.${side}: expected a multiple of ${pixelsPerCell} pixels, got ${pixels}.`,
      );
    }
    const { graph } = build("next", pixelsPerCell, pixelsPerCell);
    await mending(() => checkWeights([graph], weights, { allowSurplus: true, signal }));
    await using stack = new AsyncDisposableStack();
    const device = stack.use(await openStageDevice(this.#options, { ...this.#context, signal }));
    const fused = model.kind === "taehv" || await fusedAttentionWorks(device);
    const dtype = await choosePrecision(device, this.#options.precision);
    const loaded = encoderOf(model, fused ? "fused" : "composed", dtype);
    const encoder = stack.use(await Encoder.load(device, loaded, weights, this.#size, signal));
    this.#stack.use(stack.move());
    return encoder;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Pictures of that many latent frames at a clip's beginning. */
function picturesOf(latentFrames: number): number {
  return 4 * (latentFrames - 1) + 1;
}

/** Whole latent frames that so many pictures make. */
function latentsOf(pictures: number): number {
  return Math.floor((pictures - 1) / 4) + 1;
}
