/** From the fragments of a run to a file that players seek in, and its first picture. */
import { Buffer } from "node:buffer";
import {
  AV_CODEC_FLAG_QSCALE,
  AV_LOG_QUIET,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  type AVPixelFormat,
  FF_ENCODER_MJPEG,
  FF_QP2LAMBDA,
} from "node-av/constants";
import { Decoder, Demuxer, Muxer } from "node-av/api";
import {
  Codec,
  CodecContext,
  Frame,
  Log,
  Packet,
  Rational,
  SoftwareScaleContext,
} from "node-av/lib";

/** Longest side of a poster in pixels. */
const POSTER_SIDE = 960;

/** Of a poster: 1 is best, 31 worst. */
const QUALITY = 3;

/** Copies a fragmented MP4 into a plain one whose index comes first; nothing is encoded again. */
export async function makeSeekable(from: string, to: string): Promise<void> {
  Log.setLevel(AV_LOG_QUIET);
  await using input = await Demuxer.open(from);
  const video = input.video();
  if (video === undefined) throw new Error(`The stream of the run holds no video: ${from}.`);
  await using output = await Muxer.open(to, {
    input,
    format: "mp4",
    options: { movflags: "faststart" },
  });
  const stream = output.addStream(video);
  for await (using packet of input.packets(video.index)) {
    await output.writePacket(packet, stream);
    if (packet === null) break;
  }
}

/** Writes the first picture of a video as a JPEG; gives the size of the video in pixels. */
export async function makePoster(
  from: string,
  to: string,
): Promise<{ width: number; height: number }> {
  await using input = await Demuxer.open(from);
  const video = input.video();
  if (video === undefined) throw new Error(`There is no video to take a picture of: ${from}.`);
  using decoder = await Decoder.create(video);
  for await (using frame of decoder.frames(input.packets(video.index))) {
    if (frame === null) break;
    const { width, height } = frame;
    await Deno.writeFile(to, await encodeJpeg(frame));
    return { width, height };
  }
  throw new Error(`There is no picture in the video: ${from}.`);
}

/** Writes a picture as a JPEG. @param picture RGB bytes `[height, width, 3]` */
export async function writeJpeg(
  to: string,
  { data, width, height }: { data: Uint8Array; width: number; height: number },
): Promise<void> {
  using frame = Frame.fromVideoBuffer(Buffer.from(data.buffer, data.byteOffset, data.length), {
    width,
    height,
    format: AV_PIX_FMT_RGB24,
    timeBase: new Rational(1, 25),
  });
  await Deno.writeFile(to, await encodeJpeg(frame));
}

async function encodeJpeg(frame: Frame): Promise<Uint8Array> {
  const shrink = Math.min(1, POSTER_SIDE / Math.max(frame.width, frame.height));
  const even = (pixels: number) => Math.max(2, Math.round(pixels * shrink / 2) * 2);
  using picture = await scale(frame, even(frame.width), even(frame.height), AV_PIX_FMT_YUVJ420P);
  picture.pts = 0n;
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  if (codec === null) throw new Error("The FFmpeg in use cannot write JPEG.");
  using context = new CodecContext();
  context.allocContext3(codec);
  context.width = picture.width;
  context.height = picture.height;
  context.pixelFormat = AV_PIX_FMT_YUVJ420P;
  context.timeBase = new Rational(1, 25);
  context.colorRange = AVCOL_RANGE_JPEG;
  context.setFlags(AV_CODEC_FLAG_QSCALE);
  context.globalQuality = QUALITY * FF_QP2LAMBDA;
  check(await context.open2(codec), "open the JPEG encoder");
  check(await context.sendFrame(picture), "encode a picture");
  using packet = new Packet();
  packet.alloc();
  check(await context.receivePacket(packet), "take the JPEG");
  return new Uint8Array(packet.data!);
}

async function scale(
  from: Frame,
  width: number,
  height: number,
  format: AVPixelFormat,
): Promise<Frame> {
  using scaler = new SoftwareScaleContext();
  scaler.allocContext();
  const to = new Frame();
  to.alloc();
  to.format = format;
  to.width = width;
  to.height = height;
  check(to.allocBuffer(), "make room for a picture");
  check(await scaler.scaleFrame(to, from), "convert a picture");
  return to;
}

function check(status: number, what: string): void {
  if (status < 0) throw new Error(`Cannot ${what}: FFmpeg gave ${status}.`);
}
