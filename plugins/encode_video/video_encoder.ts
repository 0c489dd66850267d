import { Codec, CodecContext, Dictionary, type Frame, Packet, Rational } from "node-av/lib";
import {
  AV_CODEC_FLAG_BITEXACT,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_RGB,
  AVCOL_TRC_BT709,
  type AVPixelFormat,
  type FFEncoderCodec,
} from "node-av/constants";
import { check, isDry } from "./_native.ts";
import { PictureConverter } from "./picture.ts";

/** What an encoder is opened with. */
export interface EncoderOptions {
  /** FFmpeg's name of the encoder. */
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly format: AVPixelFormat;
  /** Whether `format` holds RGB in full range, not YUV in limited range. */
  readonly rgb: boolean;
  readonly rate: { readonly num: number; readonly den: number };
  /** Pictures between key frames, at most. */
  readonly gop: number;
  readonly threads: number;
}

/** Takes one compressed picture; the packet is only lent until it settles. */
export type PacketSink = (packet: Packet) => Promise<void> | void;

/** One encoder of FFmpeg, from RGB pictures to packets. Pictures are numbered from 0. */
export class VideoEncoder implements Disposable {
  readonly #options: EncoderOptions;
  readonly #codec: Codec;
  readonly #packet = new Packet();
  #converter: PictureConverter | undefined;
  #context: CodecContext | undefined;
  #next = 0;

  private constructor(options: EncoderOptions, codec: Codec) {
    this.#options = options;
    this.#codec = codec;
  }

  /** @throws {Error} if this FFmpeg has no such encoder, or it does not open here */
  static async open(options: EncoderOptions): Promise<VideoEncoder> {
    const codec = Codec.findEncoderByName(options.name as FFEncoderCodec);
    if (codec === null) throw new Error(`The FFmpeg in use has no encoder ${options.name}.`);
    const encoder = new VideoEncoder(options, codec);
    try {
      encoder.#packet.alloc();
      encoder.#converter = new PictureConverter(options.width, options.height, options.format);
      await encoder.#openContext();
      return encoder;
    } catch (error) {
      encoder[Symbol.dispose]();
      throw error;
    }
  }

  /** For the container's header. Valid until the encoder is restarted or disposed of. */
  get context(): CodecContext {
    if (this.#context === undefined) throw new Error("The encoder is closed.");
    return this.#context;
  }

  get codec(): Codec {
    return this.#codec;
  }

  /**
   * Encodes one picture; packets leave as the encoder gives them.
   * @param pixels RGB bytes, `[height, width, 3]` row by row
   * @param key whether it must be a key frame
   */
  async encode(pixels: Uint8Array, key: boolean, sink: PacketSink): Promise<void> {
    const frame = await this.#converter!.convert(pixels);
    try {
      await this.encodeFrame(frame, key, sink);
    } finally {
      frame.free();
    }
  }

  /** As `encode`, for a picture that is a frame in the encoder's own format already. */
  async encodeFrame(frame: Frame, key: boolean, sink: PacketSink): Promise<void> {
    frame.pts = BigInt(this.#next++);
    frame.duration = 1n;
    frame.pictType = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    check(await this.context.sendFrame(frame), `Cannot encode a picture with ${this.#name}`);
    // The work was done by sending, so taking what is there does not hold the event loop up.
    while (this.#receive(this.context.receivePacketSync(this.#packet))) await this.#hand(sink);
  }

  /** Hands over what the encoder still holds. It takes no more pictures unless restarted. */
  async flush(sink: PacketSink): Promise<void> {
    check(await this.context.sendFrame(null), `Cannot end ${this.#name}`);
    while (this.#receive(await this.context.receivePacket(this.#packet))) await this.#hand(sink);
  }

  /** Begins anew after a flush; numbering goes on. */
  async restart(): Promise<void> {
    this.#context?.freeContext();
    this.#context = undefined;
    await this.#openContext();
  }

  get #name(): string {
    return this.#options.name;
  }

  #receive(status: number): boolean {
    if (isDry(status)) return false;
    check(status, `Cannot take a picture from ${this.#name}`);
    return true;
  }

  async #hand(sink: PacketSink): Promise<void> {
    try {
      this.#packet.duration = 1n;
      await sink(this.#packet);
    } finally {
      this.#packet.unref();
    }
  }

  async #openContext(): Promise<void> {
    const { name, width, height, format, rgb, rate, gop, threads, options } = this.#options;
    const context = new CodecContext();
    context.allocContext3(this.#codec);
    this.#context = context;
    context.width = width;
    context.height = height;
    context.pixelFormat = format;
    context.timeBase = new Rational(rate.den, rate.num);
    context.framerate = new Rational(rate.num, rate.den);
    context.gopSize = gop;
    context.threadCount = threads;
    context.colorPrimaries = AVCOL_PRI_BT709;
    context.colorTrc = AVCOL_TRC_BT709;
    context.colorSpace = rgb ? AVCOL_SPC_RGB : AVCOL_SPC_BT709;
    context.colorRange = rgb ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    // Stream headers belong into the container's header; no build strings, no dates.
    context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER, AV_CODEC_FLAG_BITEXACT);
    const dictionary = Dictionary.fromObject(options);
    try {
      check(
        await context.open2(this.#codec, dictionary),
        `Cannot open the encoder ${name} for ${width}×${height}`,
      );
    } finally {
      dictionary.free();
    }
  }

  [Symbol.dispose](): void {
    this.#context?.freeContext();
    this.#context = undefined;
    this.#converter?.[Symbol.dispose]();
    this.#converter = undefined;
    this.#packet.free();
  }
}
