import type { Frames, Media } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { Packet } from "node-av/lib";
import { AV_PIX_FMT_YUV420P } from "node-av/constants";
import { ContainerWriter } from "./container_writer.ts";
import { type EncoderPlan, encoderPlans } from "./encoders.ts";
import { MetadataRecorder } from "./metadata.ts";
import { OutputFile } from "./output_file.ts";
import { type Output, pictureOf } from "./output.ts";
import type { Settings, VideoSettings } from "./settings.ts";
import { VideoEncoder } from "./video_encoder.ts";

/** MP4 or WebM: a file, a stream of fragments, or both at once. */
export class MovieOutput implements Output {
  readonly #settings: Settings;
  readonly #video: VideoSettings;
  readonly #metadata: MetadataRecorder;
  #file: OutputFile | undefined;
  #encoder: VideoEncoder | undefined;
  #writer: ContainerWriter | undefined;
  #plan: EncoderPlan | undefined;
  #first = 0;
  /** Pictures taken, pictures that left the encoder, and those of them that left in parts. */
  #taken = 0;
  #encoded = 0;
  #cut = 0;
  #sinceKey = 0;
  /** Whether the part being made begins with a key frame. */
  #key = false;

  constructor(settings: Settings, video: VideoSettings) {
    this.#settings = settings;
    this.#video = video;
    this.#metadata = new MetadataRecorder(settings.label);
  }

  async write(frames: Frames): Promise<Media[]> {
    this.#metadata.add(frames);
    const parts: Media[] = [];
    if (this.#writer === undefined) {
      await this.#start(frames);
      if (this.#video.stream) parts.push(await this.#part("init"));
    }
    const { stream, keyInterval } = this.#video;
    const [count] = frames.shape;
    // The next chunk's end must not be further from a key frame than the interval allows.
    const key = stream && (this.#taken === 0 || this.#sinceKey + count > keyInterval);
    if (key) this.#sinceKey = 0;
    for (let i = 0; i < count; i++) {
      await this.#encoder!.encode(pictureOf(frames, i), key && i === 0, this.#sink);
    }
    this.#taken += count;
    this.#sinceKey += count;
    if (!stream) return parts;
    if (this.#plan!.restarts) {
      await this.#encoder!.flush(this.#sink);
      await this.#encoder!.restart();
    }
    // NVENC may hold a picture back: then it leaves with the next chunk.
    if (this.#encoded > this.#cut) parts.push(await this.#segment());
    return parts;
  }

  async finish(): Promise<Media[]> {
    const writer = this.#writer!;
    const parts: Media[] = [];
    if (!this.#plan!.restarts || !this.#video.stream) await this.#encoder!.flush(this.#sink);
    if (this.#video.stream && this.#encoded > this.#cut) parts.push(await this.#segment());
    // The moov of a plain MP4 is written now: it can still tell all prompts of the run.
    if (!this.#video.stream && this.#settings.metadata) {
      writer.describe({ ...this.#metadata.describe() });
    }
    const type = this.#type;
    await writer.finish();
    const trailer = writer.take();
    if (this.#file === undefined) return parts;
    // An index of the fragments, for seeking in the file; a stream has no use for it.
    await this.#file.write(trailer);
    await this.#file.commit();
    parts.push({
      part: "file",
      type,
      data: new Uint8Array(0),
      path: this.#file.path,
      first: this.#first,
      frames: this.#encoded,
      key: true,
    });
    return parts;
  }

  async #start(frames: Frames): Promise<void> {
    const { path, overwrite, rate, container } = this.#settings;
    const [, height, width] = frames.shape;
    this.#first = frames.first;
    const [encoder, plan] = await openEncoder(this.#settings, this.#video, width, height);
    this.#encoder = encoder;
    this.#plan = plan;
    if (path !== undefined) this.#file = await OutputFile.create(path, overwrite);
    const { codec, stream } = this.#video;
    this.#writer = await ContainerWriter.open({
      format: container,
      path: stream ? undefined : this.#file!.temporary,
      label: path ?? `the ${container} stream`,
      context: encoder.context,
      codec: encoder.codec,
      rate,
      options: containerOptions(container, stream),
      metadata: this.#settings.metadata ? { ...this.#metadata.describe() } : {},
      // Apple's players read only this form of HEVC.
      tag: codec === "hevc" && container === "mp4" ? "hvc1" : undefined,
    });
  }

  readonly #sink = async (packet: Packet): Promise<void> => {
    if (this.#encoded === this.#cut) this.#key = packet.isKeyframe;
    this.#encoded++;
    await this.#writer!.write(packet);
  };

  async #segment(): Promise<Media> {
    await this.#writer!.cut();
    return await this.#part("segment");
  }

  async #part(part: "init" | "segment"): Promise<Media> {
    const data = this.#writer!.take();
    await this.#file?.write(data);
    const media = {
      part,
      type: this.#type,
      data,
      first: this.#first + this.#cut,
      frames: this.#encoded - this.#cut,
      key: part === "segment" && this.#key,
    };
    this.#cut = this.#encoded;
    return media;
  }

  get #type(): string {
    const codecs = this.#writer?.codecs;
    const type = `video/${this.#settings.container}`;
    return codecs === undefined ? type : `${type}; codecs="${codecs}"`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
    this.#encoder?.[Symbol.dispose]();
    this.#encoder = undefined;
    await this.#file?.[Symbol.asyncDispose]();
  }
}

/** The first of the encoders that opens here. */
async function openEncoder(
  { rate, threads }: Settings,
  video: VideoSettings,
  width: number,
  height: number,
): Promise<[VideoEncoder, EncoderPlan]> {
  if (width % 2 !== 0 || height % 2 !== 0) {
    throw new UserError(
      `Cannot encode pictures of ${width}×${height} as ${video.codec}: expected an even width and height, because colour is stored at half the size. Write a gif, webp or png, or change the size.`,
    );
  }
  const plans = encoderPlans(video, threads);
  const failures: unknown[] = [];
  for (const plan of plans) {
    try {
      const { name, options, gop } = plan;
      const format = AV_PIX_FMT_YUV420P;
      const size = { width, height, format, rgb: false };
      return [await VideoEncoder.open({ name, options, gop, ...size, rate, threads }), plan];
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures.at(-1);
}

/**
 * Finds out whether this machine has NVENC, with a small picture.
 * @throws {UserError} if it has not
 */
export async function checkNvenc(settings: Settings, video: VideoSettings): Promise<void> {
  try {
    const [encoder] = await openEncoder(settings, video, 256, 256);
    encoder[Symbol.dispose]();
  } catch (error) {
    throw new UserError(
      `Cannot encode ${video.codec} with NVENC on this machine (${
        error instanceof Error ? error.message : error
      }). It needs an NVIDIA GPU that has an encoder (data-centre cards such as A100 and H100 have none) and its driver. Set encoder to software.`,
      { cause: error },
    );
  }
}

function containerOptions(container: string, stream: boolean): Record<string, string> {
  if (container === "webm") return stream ? {} : { cues_to_front: "1" };
  // frag_custom: a fragment ends where `cut` says. faststart: what a player reads first comes first.
  return { movflags: stream ? "frag_custom+empty_moov+default_base_moof" : "faststart" };
}
