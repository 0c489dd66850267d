/** Reads videos back with FFmpeg's demuxers and decoders, to compare with what went in. */

import {
  Codec,
  CodecContext,
  FormatContext,
  Frame,
  Packet,
  SoftwareScaleContext,
} from "node-av/lib";
import {
  AV_PIX_FMT_RGB24,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  AVMEDIA_TYPE_VIDEO,
} from "node-av/constants";

export interface DecodedVideo {
  readonly codec: string;
  readonly tag: string | null;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** In seconds; 0 where the container does not say. */
  readonly duration: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly colorSpace: number;
  readonly colorRange: number;
  readonly frames: readonly DecodedFrame[];
}

export interface DecodedFrame {
  readonly seconds: number;
  /** RGB bytes, `[height, width, 3]`. */
  readonly pixels: Uint8Array;
}

export async function decodeBytes(parts: readonly Uint8Array[]): Promise<DecodedVideo> {
  const path = await Deno.makeTempFile();
  try {
    for (const part of parts) await Deno.writeFile(path, part, { append: true });
    return await decodeFile(path);
  } finally {
    await Deno.remove(path);
  }
}

export async function decodeFile(path: string): Promise<DecodedVideo> {
  await using format = new FormatContext();
  ok(await format.openInput(path), "openInput");
  try {
    ok(await format.findStreamInfo(), "findStreamInfo");
    const index = ok(format.findBestStream(AVMEDIA_TYPE_VIDEO), "findBestStream");
    const stream = format.streams[index]!;
    const codec = Codec.findDecoder(stream.codecpar.codecId)!;
    using context = new CodecContext();
    context.allocContext3(codec);
    ok(stream.codecpar.toContext(context), "toContext");
    ok(await context.open2(codec), "open2");
    using packet = new Packet();
    packet.alloc();
    const frames: DecodedFrame[] = [];
    const drain = async () => {
      while (true) {
        using frame = new Frame();
        frame.alloc();
        if (await context.receiveFrame(frame) < 0) return;
        const { num, den } = stream.timeBase;
        const pixels = await toRgb(frame);
        frames.push({ seconds: Number(frame.bestEffortTimestamp) * num / den, pixels });
      }
    };
    while (await format.readFrame(packet) >= 0) {
      if (packet.streamIndex === index) {
        ok(await context.sendPacket(packet), "sendPacket");
        await drain();
      }
      packet.unref();
    }
    await context.sendPacket(null);
    await drain();
    return {
      codec: codec.name!,
      tag: stream.codecpar.codecTagString,
      width: stream.codecpar.width,
      height: stream.codecpar.height,
      fps: stream.avgFrameRate.num / stream.avgFrameRate.den,
      duration: format.duration > 0n ? Number(format.duration) / 1e6 : 0,
      metadata: { ...format.metadata?.getAll(), ...stream.metadata?.getAll() },
      colorSpace: stream.codecpar.colorSpace,
      colorRange: stream.codecpar.colorRange,
      frames,
    };
  } finally {
    await format.closeInput();
  }
}

async function toRgb(frame: Frame): Promise<Uint8Array> {
  using scaler = new SoftwareScaleContext();
  scaler.allocContext();
  using rgb = new Frame();
  rgb.alloc();
  rgb.width = frame.width;
  rgb.height = frame.height;
  rgb.format = AV_PIX_FMT_RGB24;
  rgb.colorSpace = AVCOL_SPC_RGB;
  rgb.colorRange = AVCOL_RANGE_JPEG;
  ok(rgb.getBuffer(), "getBuffer");
  ok(await scaler.scaleFrame(rgb, frame), "scaleFrame");
  return new Uint8Array(rgb.toBuffer());
}

function ok(status: number, what: string): number {
  if (status < 0) throw new Error(`${what} gave ${status}`);
  return status;
}

/** The colour at a pixel. */
export function colourAt(
  { pixels }: DecodedFrame,
  width: number,
  x: number,
  y: number,
): [number, number, number] {
  const at = (y * width + x) * 3;
  return [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!];
}
