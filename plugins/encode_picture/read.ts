/** Pictures out of files: decoded by FFmpeg, turned upright, cut to the middle, resized. Bounded in every way. */

import { isAbsolute } from "@std/path";
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  Log,
  Packet,
  SoftwareScaleContext,
  type Stream,
} from "node-av/lib";
import {
  AV_DISPOSITION_DEPENDENT,
  AV_LOG_QUIET,
  AV_PIX_FMT_RGB24,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  AVMEDIA_TYPE_VIDEO,
} from "node-av/constants";
import { UserError } from "../../pipeline/errors.ts";
import { turnedMiddle, turnedSize, turnOf } from "./turn.ts";

/** Largest side of a picture, in pixels. */
const MOST_PIXELS = 8192;
/** Decoders refuse larger pictures before they make room for them, and do not say so. */
export const undecodable = `nothing in it of at most ${MOST_PIXELS} pixels a side can be decoded`;
/** Longer sides than this many times the other are refused: what is cut to the middle would be next to nothing. */
const MOST_RATIO = 16;
/** Largest file. */
const MOST_BYTES = 200e6;

/** FFmpeg tells the length of a file in these. */
const MICROSECONDS = 1e6;

/** Kinds of files that are opened; none of them can name another file or an address. */
const FORMATS = "image2,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif,apng," +
  "mov,mp4,matroska,webm,avi,mpegts,ivf";

/** What to make of a picture. */
export interface Wanted {
  /** Of the pictures to give, in pixels. */
  readonly height: number;
  readonly width: number;
  readonly signal: AbortSignal;
}

/** What to take of a clip. */
export interface WantedPart extends Wanted {
  /** Pictures a second. */
  readonly fps: number;
  /** How many at most. */
  readonly most: number;
}

/** The picture in a file, the first if there are several: RGB bytes `[height, width, 3]`. */
export async function readStill(path: string, wanted: Wanted): Promise<Uint8Array> {
  for await (const { frame } of framesOf(path, "picture", wanted.signal)) {
    using fitting = new Fitting(path, wanted);
    return await fitting.fit(frame);
  }
  throw unreadable(path, "picture", undecodable);
}

/**
 * The last pictures of a clip, at so many a second, in their order: RGB bytes `[height, width, 3]` each. At
 * least one.
 */
export async function readClipEnd(path: string, wanted: WantedPart): Promise<Uint8Array[]> {
  const end: Uint8Array[] = [];
  for await (const picture of picturesOf(path, wanted)) {
    end.push(picture);
    if (end.length > wanted.most) end.shift();
  }
  return end;
}

/** The first pictures of a clip, as `readClipEnd` gives the last, and whether more follow. */
export async function readClipStart(
  path: string,
  wanted: WantedPart,
): Promise<{ readonly pictures: Uint8Array[]; readonly more: boolean }> {
  const pictures: Uint8Array[] = [];
  for await (const picture of picturesOf(path, wanted)) {
    if (pictures.length === wanted.most) return { pictures, more: true };
    pictures.push(picture);
  }
  return { pictures, more: false };
}

/** A clip's pictures at so many a second: those that come faster are left out, one that stays longer is repeated. */
async function* picturesOf(path: string, wanted: WantedPart): AsyncGenerator<Uint8Array> {
  const { fps, most } = wanted;
  using fitting = new Fitting(path, wanted);
  let held: Uint8Array | undefined;
  let tick = -1;
  for await (const { frame, seconds } of framesOf(path, "clip", wanted.signal)) {
    const now = Math.round(seconds * fps);
    if (now <= tick) continue;
    if (held) { for (let i = Math.min(now - tick - 1, most); i > 0; i--) yield held; }
    yield held = await fitting.fit(frame);
    tick = now;
  }
  if (!held) throw unreadable(path, "clip", undecodable);
}

/** Scales pictures until they cover what is wanted, cuts off what stands over, and turns them upright. */
export class Fitting implements Disposable {
  readonly #path: string;
  readonly #wanted: Wanted;
  readonly #scaler = new SoftwareScaleContext();

  constructor(path: string, wanted: Wanted) {
    this.#path = path;
    this.#wanted = wanted;
    this.#scaler.allocContext();
  }

  async fit(frame: Frame): Promise<Uint8Array> {
    const turn = turnOf(frame);
    const { height, width } = turnedSize(this.#wanted, turn);
    checkSize(this.#path, frame.width, frame.height);
    const scale = Math.max(width / frame.width, height / frame.height);
    const covering = {
      width: Math.max(width, Math.round(frame.width * scale)),
      height: Math.max(height, Math.round(frame.height * scale)),
    };
    using rgb = new Frame();
    rgb.alloc();
    rgb.width = covering.width;
    rgb.height = covering.height;
    rgb.format = AV_PIX_FMT_RGB24;
    rgb.colorSpace = AVCOL_SPC_RGB;
    rgb.colorRange = AVCOL_RANGE_JPEG;
    check(rgb.getBuffer(), "Cannot make room for a picture");
    check(await this.#scaler.scaleFrame(rgb, frame), `Cannot resize a picture of ${this.#path}`);
    return turnedMiddle(rgb.toBuffer(), covering, this.#wanted, turn);
  }

  [Symbol.dispose](): void {
    this.#scaler.freeContext();
  }
}

/** A picture of a file, valid until the next is asked for. */
export interface Decoded {
  readonly frame: Frame;
  /** When it is shown, from 0. */
  readonly seconds: number;
  /** Seconds that the whole file says it has; 0 where it does not say. */
  readonly length: number;
}

/** The pictures of a file, one after the other. */
export async function* framesOf(
  path: string,
  what: "picture" | "clip",
  signal: AbortSignal,
): AsyncGenerator<Decoded> {
  await checkFile(path, what);
  Log.setLevel(AV_LOG_QUIET);
  const needed = (status: number) => {
    if (status < 0) {
      throw unreadable(path, what, FFmpegError.strerror(status) ?? `FFmpeg status ${status}`);
    }
    return status;
  };
  await using format = new FormatContext();
  using options = Dictionary.fromObject({
    format_whitelist: FORMATS,
    protocol_whitelist: "file",
    max_pixels: String(MOST_PIXELS ** 2),
  });
  needed(await format.openInput(`file:${isAbsolute(path) ? path : `./${path}`}`, null, options));
  try {
    needed(await format.findStreamInfo());
    if (what === "picture" && format.streams.some(isTile)) {
      throw unreadable(path, what, "it is made of tiles, as telephones store HEIC photos");
    }
    const index = needed(format.findBestStream(AVMEDIA_TYPE_VIDEO));
    const stream = format.streams[index]!;
    const { codecpar, timeBase } = stream;
    checkSize(path, codecpar.width, codecpar.height);
    const codec = Codec.findDecoder(codecpar.codecId);
    if (!codec) throw unreadable(path, what, "this program has no decoder for it");
    using decoder = new CodecContext();
    decoder.allocContext3(codec);
    needed(codecpar.toContext(decoder));
    decoder.setOption("max_pixels", MOST_PIXELS ** 2);
    needed(await decoder.open2(codec));
    using packet = new Packet();
    packet.alloc();
    using frame = new Frame();
    frame.alloc();
    const length = Math.max(0, Number(format.duration) / MICROSECONDS);
    let zero: number | undefined;
    const decoded = async function* () {
      while (await decoder.receiveFrame(frame) >= 0) {
        signal.throwIfAborted();
        const time = Number(frame.bestEffortTimestamp) * timeBase.num / timeBase.den;
        zero ??= time;
        yield { frame, seconds: Math.max(0, time - zero), length };
        frame.unref();
      }
    };
    while (await format.readFrame(packet) >= 0) {
      signal.throwIfAborted();
      // A packet that is damaged costs its picture alone.
      if (packet.streamIndex === index && await decoder.sendPacket(packet) >= 0) yield* decoded();
      packet.unref();
    }
    await decoder.sendPacket(null);
    yield* decoded();
  } finally {
    await format.closeInput();
  }
}

/** Whether a stream is a part of a picture: FFmpeg's library tells the parts, and not where each belongs. */
function isTile({ codecpar, disposition }: Stream): boolean {
  return codecpar.codecType === AVMEDIA_TYPE_VIDEO &&
    (disposition & AV_DISPOSITION_DEPENDENT) !== 0;
}

/** What cannot be read, and why. */
export function unreadable(path: string, what: "picture" | "clip", why: string): UserError {
  const kinds = what === "picture" ? "a PNG, JPEG or WebP file" : "an MP4, WebM or GIF file";
  return new UserError(`${path} cannot be read as a ${what}: ${why}. Give ${kinds}.`);
}

async function checkFile(path: string, what: string): Promise<void> {
  const info = await Deno.stat(path).catch((cause) => {
    throw cause instanceof Deno.errors.NotFound
      ? new UserError(`There is no file ${path}, which was to be the ${what}.`, { cause })
      : new UserError(`Cannot read the ${what} ${path}: ${cause.message}`, { cause });
  });
  if (!info.isFile) throw new UserError(`${path}, which was to be the ${what}, is no file.`);
  if (info.size > MOST_BYTES) {
    throw new UserError(
      `The ${what} ${path} has ${Math.ceil(info.size / 1e6)} MB: expected at most ${
        MOST_BYTES / 1e6
      }. Cut or shrink it.`,
    );
  }
}

function checkSize(path: string, width: number, height: number): void {
  if (width > MOST_PIXELS || height > MOST_PIXELS) {
    throw new UserError(
      `${path} is ${width} × ${height} pixels: expected at most ${MOST_PIXELS} a side. Shrink it.`,
    );
  }
  if (width > height * MOST_RATIO || height > width * MOST_RATIO) {
    throw new UserError(
      `${path} is ${width} × ${height} pixels: expected no side longer than ${MOST_RATIO} times the other, ` +
        "since it is cut to the middle. Crop it.",
    );
  }
}

function check(status: number, what: string): void {
  if (status < 0) throw new Error(`${what}: ${FFmpegError.strerror(status)}`);
}
