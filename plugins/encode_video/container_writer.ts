import { type Codec, type CodecContext, Dictionary, FormatContext } from "node-av/lib";
import { IOContext, type Packet, Rational, type Stream } from "node-av/lib";
import {
  AVFMT_FLAG_BITEXACT,
  AVFMT_FLAG_CUSTOM_IO,
  AVFMT_FLAG_FLUSH_PACKETS,
  AVIO_FLAG_WRITE,
} from "node-av/constants";
import type { Buffer } from "node:buffer";
import { check } from "./_native.ts";
import { join } from "./bytes.ts";

/** Bytes that FFmpeg gathers before it writes. */
const bufferSize = 1 << 18;

export interface ContainerOptions {
  /** FFmpeg's name of the muxer, such as `mp4`. */
  readonly format: string;
  /** File that FFmpeg itself writes; without one the bytes are taken with `take`. */
  readonly path: string | undefined;
  /** What errors call the target. */
  readonly label: string;
  readonly context: CodecContext;
  readonly codec: Codec;
  readonly rate: { readonly num: number; readonly den: number };
  readonly options: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Four letters that name the codec in the container, where the muxer's choice is not wanted. */
  readonly tag: string | undefined;
}

/** One container of FFmpeg with one video stream, written to a file or into memory. */
export class ContainerWriter implements AsyncDisposable {
  readonly #options: ContainerOptions;
  readonly #format = new FormatContext();
  readonly #io = new IOContext();
  #stream: Stream | undefined;
  #chunks: Uint8Array[] = [];
  #open = false;

  private constructor(options: ContainerOptions) {
    this.#options = options;
  }

  /** Opens the target and writes the header. */
  static async open(options: ContainerOptions): Promise<ContainerWriter> {
    const writer = new ContainerWriter(options);
    try {
      await writer.#start();
      return writer;
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The codecs string of RFC 6381, such as `avc1.64000a`; undefined where FFmpeg knows none. */
  get codecs(): string | undefined {
    return this.#stream?.codecpar.getCodecString() ?? undefined;
  }

  /** Replaces the metadata; only a container whose header is written last still takes it. */
  describe(metadata: Readonly<Record<string, string>>): void {
    const dictionary = Dictionary.fromObject(metadata);
    try {
      this.#format.metadata = dictionary;
    } finally {
      dictionary.free();
    }
  }

  async write(packet: Packet): Promise<void> {
    const { rate } = this.#options;
    packet.streamIndex = 0;
    packet.rescaleTs({ num: rate.den, den: rate.num }, this.#stream!.timeBase);
    check(await this.#format.writeFrame(packet), this.#cannotWrite);
    this.#checkTarget();
  }

  /** Closes the fragment (or cluster) that is being written, so that its bytes can be taken. */
  async cut(): Promise<void> {
    check(await this.#format.writeFrame(null), this.#cannotWrite);
    await this.#format.flush();
    this.#checkTarget();
  }

  /** The bytes made since the last call. */
  take(): Uint8Array {
    const bytes = join(this.#chunks);
    this.#chunks = [];
    return bytes;
  }

  /** Writes what is left and closes the target. */
  async finish(): Promise<void> {
    check(await this.#format.writeTrailer(), this.#cannotWrite);
    await this.#format.flush();
    this.#checkTarget();
    await this.#close(true);
  }

  get #cannotWrite(): string {
    return `Cannot write ${this.#options.label}`;
  }

  async #start(): Promise<void> {
    const { format, path, context, codec, rate, options, tag } = this.#options;
    // A plain path could read as a protocol ("a:b.mp4").
    const url = path === undefined ? null : `file:${path}`;
    check(this.#format.allocOutputContext2(null, format, url), `Cannot make a ${format}`);
    if (url === null) {
      // The callback is lent the bytes, so it copies them.
      this.#io.allocContextWithCallbacks(bufferSize, 1, null, (bytes: Buffer) => {
        this.#chunks.push(new Uint8Array(bytes));
      });
      this.#format.setFlags(AVFMT_FLAG_CUSTOM_IO);
    } else {
      check(await this.#io.open2(url, AVIO_FLAG_WRITE), this.#cannotWrite);
    }
    this.#open = true;
    this.#format.pb = this.#io;
    this.#format.setFlags(AVFMT_FLAG_BITEXACT);
    this.#format.clearFlags(AVFMT_FLAG_FLUSH_PACKETS);
    this.describe(this.#options.metadata);
    const stream = this.#format.newStream(codec);
    check(stream.codecpar.fromContext(context), `Cannot describe the video to the ${format}`);
    if (tag !== undefined) stream.codecpar.codecTag = tag;
    stream.timeBase = new Rational(rate.den, rate.num);
    stream.avgFrameRate = new Rational(rate.num, rate.den);
    this.#stream = stream;
    const dictionary = Dictionary.fromObject(options);
    try {
      check(await this.#format.writeHeader(dictionary), this.#cannotWrite);
    } finally {
      dictionary.free();
    }
    await this.#format.flush();
    this.#checkTarget();
  }

  /** FFmpeg's buffered writes fail late and silently: their status stays behind in the target. */
  #checkTarget(): void {
    check(Math.min(0, this.#io.error), this.#cannotWrite);
  }

  async #close(checked: boolean): Promise<void> {
    const open = this.#open;
    this.#open = false;
    let status = 0;
    // The format lets go of its target before the target is closed under it.
    if (open) {
      this.#format.pb = null;
      if (this.#options.path !== undefined) status = await this.#io.closep();
    }
    this.#format.freeContext();
    if (open && this.#options.path === undefined) this.#io.freeContext();
    if (checked) check(status, this.#cannotWrite);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(false);
  }
}
