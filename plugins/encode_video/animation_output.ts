import type { Packet } from "node-av/lib";
import { AV_PIX_FMT_BGRA, AV_PIX_FMT_PAL8 } from "node-av/constants";
import type { Frames, Media } from "../../pipeline/data.ts";
import { gifComment, join } from "./bytes.ts";
import { ContainerWriter } from "./container_writer.ts";
import { MetadataRecorder } from "./metadata.ts";
import { OutputFile } from "./output_file.ts";
import { type Output, pictureOf } from "./output.ts";
import { withPalette } from "./palette.ts";
import type { Settings } from "./settings.ts";
import { VideoEncoder } from "./video_encoder.ts";

/** An animated GIF (a palette a chunk) or WebP: one file, complete at the end. */
export class AnimationOutput implements Output {
  readonly #settings: Settings;
  readonly #metadata: MetadataRecorder;
  #file: OutputFile | undefined;
  #encoder: VideoEncoder | undefined;
  /** Of GIF only: the encoder of WebP makes the whole file. */
  #writer: ContainerWriter | undefined;
  /** What was made and is not in the file. */
  #made: Uint8Array[] = [];
  #first = 0;
  #taken = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#metadata = new MetadataRecorder(settings.label);
  }

  async write(frames: Frames): Promise<Media[]> {
    this.#metadata.add(frames);
    if (this.#encoder === undefined) await this.#start(frames);
    const [count, height, width] = frames.shape;
    const pictures = Array.from({ length: count }, (_, i) => pictureOf(frames, i));
    if (this.#writer === undefined) {
      for (const picture of pictures) await this.#encoder!.encode(picture, false, this.#sink);
    } else {
      for await (const frame of withPalette(pictures, width, height)) {
        await this.#encoder!.encodeFrame(frame, false, this.#sink);
      }
      await this.#store(this.#writer.take());
    }
    this.#taken += count;
    return [];
  }

  async finish(): Promise<Media[]> {
    await this.#encoder!.flush(this.#sink);
    if (this.#writer !== undefined) {
      await this.#writer.finish();
      await this.#store(this.#withComment(this.#writer.take()));
    } else {
      const made = this.#made;
      this.#made = [];
      await this.#store(join(made));
    }
    await this.#file?.commit();
    const media = {
      part: "file" as const,
      type: `image/${this.#settings.container}`,
      data: join(this.#made),
      first: this.#first,
      frames: this.#taken,
      key: true,
    };
    return [this.#file === undefined ? media : { ...media, path: this.#file.path }];
  }

  async #start(frames: Frames): Promise<void> {
    const { container, path, overwrite, rate, threads, quality, loop } = this.#settings;
    const [, height, width] = frames.shape;
    this.#first = frames.first;
    const gif = container === "gif";
    this.#encoder = await VideoEncoder.open({
      name: gif ? "gif" : "libwebp_anim",
      // Cropping to what changed compares palette indices, and these mean another colour in each chunk.
      options: gif
        ? { gifflags: "0" }
        : quality === 100
        ? { lossless: "1" }
        : { quality: String(quality) },
      width,
      height,
      format: gif ? AV_PIX_FMT_PAL8 : AV_PIX_FMT_BGRA,
      rgb: true,
      rate,
      gop: 12,
      threads,
    });
    if (path !== undefined) this.#file = await OutputFile.create(path, overwrite);
    if (!gif) return;
    this.#writer = await ContainerWriter.open({
      format: "gif",
      path: undefined,
      label: path ?? "the gif",
      context: this.#encoder.context,
      codec: this.#encoder.codec,
      rate,
      // FFmpeg counts repetitions after the first time: 0 for ever, -1 none.
      options: { loop: String(loop === 0 ? 0 : loop === 1 ? -1 : loop - 1) },
      metadata: {},
      tag: undefined,
    });
  }

  readonly #sink = async (packet: Packet): Promise<void> => {
    if (this.#writer !== undefined) await this.#writer.write(packet);
    else if (packet.data !== null) this.#made.push(new Uint8Array(packet.data));
  };

  async #store(bytes: Uint8Array): Promise<void> {
    if (this.#file !== undefined) await this.#file.write(bytes);
    else if (bytes.length > 0) this.#made.push(bytes);
  }

  /** The last byte of a GIF is its end mark: a comment goes before it. */
  #withComment(end: Uint8Array): Uint8Array {
    if (!this.#settings.metadata) return end;
    const comment = gifComment(this.#metadata.describe().comment);
    return join([end.subarray(0, -1), comment, end.subarray(-1)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
    this.#encoder?.[Symbol.dispose]();
    this.#encoder = undefined;
    await this.#file?.[Symbol.asyncDispose]();
  }
}
