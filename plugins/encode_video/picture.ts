import { Frame, SoftwareScaleContext } from "node-av/lib";
import {
  AV_PIX_FMT_BGRA,
  AV_PIX_FMT_RGB24,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_RGB,
  AVCOL_TRC_BT709,
  type AVPixelFormat,
} from "node-av/constants";
import { Buffer } from "node:buffer";
import { check } from "./_native.ts";

/**
 * Up to this many pixels a conversion takes less time than handing it to another thread and back
 * (16,384 pixels: 20 µs of work, 60 µs of way), so it is done on the spot.
 */
const smallPicture = 1 << 16;

/** Makes one picture of a chunk a frame that an encoder takes. */
export class PictureConverter implements Disposable {
  readonly #source: Frame;
  readonly #scaler: SoftwareScaleContext | undefined;

  /** @param format of the frames to give: RGB24 as it is, YUV as BT.709 in limited range. */
  constructor(
    readonly width: number,
    readonly height: number,
    readonly format: AVPixelFormat,
  ) {
    this.#source = allocateFrame(width, height, AV_PIX_FMT_RGB24);
    if (format === AV_PIX_FMT_RGB24) return;
    this.#scaler = new SoftwareScaleContext();
    this.#scaler.allocContext();
  }

  /**
   * The caller frees the frame it gets.
   * @param pixels RGB bytes, `[height, width, 3]` row by row; copied before this returns
   */
  async convert(pixels: Uint8Array): Promise<Frame> {
    const { width, height, format } = this;
    if (this.#scaler === undefined) {
      const frame = allocateFrame(width, height, format);
      this.#fill(frame, pixels);
      return frame;
    }
    check(this.#source.makeWritable(), "Cannot make room for a picture");
    this.#fill(this.#source, pixels);
    const frame = allocateFrame(width, height, format);
    try {
      const status = width * height <= smallPicture
        ? this.#scaler.scaleFrameSync(frame, this.#source)
        : await this.#scaler.scaleFrame(frame, this.#source);
      check(status, `Cannot convert a picture of ${width}×${height}`);
      return frame;
    } catch (error) {
      frame.free();
      throw error;
    }
  }

  #fill(frame: Frame, pixels: Uint8Array): void {
    const bytes = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    check(frame.fromBuffer(bytes), "Cannot copy a picture");
  }

  [Symbol.dispose](): void {
    this.#scaler?.freeContext();
    this.#source.free();
  }
}

function allocateFrame(width: number, height: number, format: AVPixelFormat): Frame {
  const frame = new Frame();
  frame.alloc();
  try {
    frame.width = width;
    frame.height = height;
    frame.format = format;
    // The converter takes matrix and range from these tags: without them it would use BT.601.
    frame.colorPrimaries = AVCOL_PRI_BT709;
    frame.colorTrc = AVCOL_TRC_BT709;
    const rgb = isRgb(format);
    frame.colorSpace = rgb ? AVCOL_SPC_RGB : AVCOL_SPC_BT709;
    frame.colorRange = rgb ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    check(frame.getBuffer(), `Cannot make room for a picture of ${width}×${height}`);
    return frame;
  } catch (error) {
    frame.free();
    throw error;
  }
}

function isRgb(format: AVPixelFormat): boolean {
  return format === AV_PIX_FMT_RGB24 || format === AV_PIX_FMT_BGRA;
}
