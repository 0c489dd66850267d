import { extname, isAbsolute, join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";
import type { EncodeVideoOptions } from "./options.ts";

export type Container = NonNullable<EncodeVideoOptions["container"]>;
export type VideoCodec = NonNullable<EncodeVideoOptions["codec"]>;

/** What the options come to, every default filled in. */
export interface Settings {
  readonly container: Container;
  /** Absolute; undefined where the media is given as bytes alone. */
  readonly path: string | undefined;
  readonly overwrite: boolean;
  /** Frame rate as a fraction. */
  readonly rate: { readonly num: number; readonly den: number };
  readonly threads: number;
  readonly metadata: boolean;
  readonly label: string | undefined;
  readonly loop: number;
  readonly quality: number;
  /** Of MP4 and WebM only. */
  readonly video: VideoSettings | undefined;
}

export interface VideoSettings {
  readonly codec: VideoCodec;
  readonly crf: number;
  /** The user's, in the encoder's own terms. */
  readonly preset: string | undefined;
  /** The encoders to try, best first. */
  readonly backends: readonly ("software" | "nvenc")[];
  /** Whether parts leave while pictures come. */
  readonly stream: boolean;
  /** Pictures between key frames: at most in a file, at least in a stream. */
  readonly keyInterval: number;
}

const extensions: Readonly<Record<string, Container>> = {
  ".mp4": "mp4",
  ".m4v": "mp4",
  ".webm": "webm",
  ".gif": "gif",
  ".webp": "webp",
  ".png": "png",
};

const codecsOf: Readonly<Partial<Record<Container, readonly VideoCodec[]>>> = {
  mp4: ["h264", "hevc", "av1", "vp9"],
  webm: ["vp9", "av1"],
};

const crfOf: Readonly<Record<VideoCodec, { readonly default: number; readonly max: number }>> = {
  h264: { default: 20, max: 51 },
  hevc: { default: 22, max: 51 },
  av1: { default: 28, max: 63 },
  vp9: { default: 28, max: 63 },
};

const x26xPresets = [
  "ultrafast",
  "superfast",
  "veryfast",
  "faster",
  "fast",
  "medium",
  "slow",
  "slower",
  "veryslow",
  "placebo",
];

const nvencPresets = ["p1", "p2", "p3", "p4", "p5", "p6", "p7"];

/** Longest delay-free GIF rate: players treat a delay under 2/100 s as a slow default. */
const gifMaxFps = 50;

/**
 * Fills in the defaults and refuses options that contradict each other.
 * @throws {UserError} naming the option, what it may be and the way out
 */
export function resolveSettings(
  options: EncodeVideoOptions,
  context: { readonly threads: number; readonly directory: string; readonly device: string },
): Settings {
  const container = chooseContainer(options);
  if (container === "gif" && options.fps > gifMaxFps) {
    throw new UserError(
      `A GIF cannot be played at ${options.fps} frames/s: expected fps up to ${gifMaxFps}. Lower fps or write an mp4.`,
    );
  }
  return {
    container,
    path: absolute(options.path, context.directory),
    overwrite: options.overwrite,
    rate: frameRate(options.fps),
    threads: options.threads ?? context.threads,
    metadata: options.metadata,
    label: options.label,
    loop: options.loop,
    quality: options.quality,
    video: chooseVideo(container, options, context.device),
  };
}

function absolute(path: string | undefined, directory: string): string | undefined {
  if (path === undefined || isAbsolute(path)) return path;
  return join(directory, path);
}

function chooseContainer({ path, container }: EncodeVideoOptions): Container {
  const extension = path === undefined ? "" : extname(path).toLowerCase();
  const named = extensions[extension];
  if (container === undefined) {
    if (path === undefined) return "mp4";
    if (named !== undefined) return named;
    if (/[/\\]$/.test(path)) return "png";
    throw new UserError(
      `Cannot tell what to write to ${path}: expected an extension of ${
        Object.keys(extensions).join(", ")
      }, got ${extension === "" ? "none" : extension}. Change the path or set container.`,
    );
  }
  if (named !== undefined && named !== container) {
    throw new UserError(
      `Cannot write ${container} to ${path}: its extension means ${named}. Leave container out, or change the path.`,
    );
  }
  return container;
}

function chooseVideo(
  container: Container,
  options: EncodeVideoOptions,
  device: string,
): VideoSettings | undefined {
  const codecs = codecsOf[container];
  if (codecs === undefined) {
    for (const key of ["codec", "crf", "preset", "fragmented", "keyInterval"] as const) {
      if (options[key] !== undefined && options[key] !== false) {
        throw new UserError(
          `${kebab(key)} has no meaning for ${container}, got ${
            options[key]
          }. Leave it out, or write mp4 or webm.`,
        );
      }
    }
    if (options.encoder === "nvenc") {
      throw new UserError(
        `NVENC cannot write ${container}. Leave encoder out, or write mp4.`,
      );
    }
    return undefined;
  }
  const codec = options.codec ?? codecs[0]!;
  if (!codecs.includes(codec)) {
    throw new UserError(
      `${container} cannot hold ${codec}: expected ${
        codecs.join(" or ")
      }. Change codec, leave it out, or write mp4.`,
    );
  }
  const { default: crf, max } = crfOf[codec];
  if (options.crf !== undefined && options.crf > max) {
    throw new UserError(`crf of ${codec} goes from 0 to ${max}, got ${options.crf}.`);
  }
  if (options.fragmented === false && options.path === undefined) {
    throw new UserError(
      `Without a path ${container} is always given as a stream of fragments, but fragmented is false. Set path, or leave fragmented out.`,
    );
  }
  const backends = chooseBackends(codec, options, device);
  if (options.preset !== undefined) checkPreset(options.preset, codec, backends);
  const stream = options.fragmented ?? options.path === undefined;
  return {
    codec,
    crf: options.crf ?? crf,
    preset: options.preset,
    backends,
    stream,
    keyInterval: options.keyInterval ?? (stream ? 1 : 48),
  };
}

function chooseBackends(
  codec: VideoCodec,
  { encoder, preset }: EncodeVideoOptions,
  device: string,
): VideoSettings["backends"] {
  if (encoder === "nvenc") {
    if (codec === "vp9") {
      throw new UserError(
        "NVENC has no vp9 encoder: expected codec h264, hevc or av1. Change codec, or set encoder to software.",
      );
    }
    return ["nvenc"];
  }
  // A preset in the software encoder's words would mean nothing to NVENC.
  const foreign = preset !== undefined && !nvencPresets.includes(preset);
  if (encoder === "auto" && device.startsWith("cuda") && codec !== "vp9" && !foreign) {
    return ["nvenc", "software"];
  }
  return ["software"];
}

function checkPreset(preset: string, codec: VideoCodec, backends: VideoSettings["backends"]): void {
  const known = backends[0] === "nvenc"
    ? nvencPresets
    : codec === "h264" || codec === "hevc"
    ? x26xPresets
    : Array.from({ length: codec === "av1" ? 14 : 9 }, (_, i) => String(i));
  if (known.includes(preset)) return;
  throw new UserError(
    `Unknown preset ${JSON.stringify(preset)} of ${codec}${
      backends[0] === "nvenc" ? " on NVENC" : ""
    }: expected one of ${known.join(", ")}.`,
  );
}

/** 23.976 is 24000/1001, 16 is 16/1; others to a thousandth of a frame. */
function frameRate(fps: number): { num: number; den: number } {
  const nearest = Math.round(fps * 1.001);
  if (!Number.isInteger(fps) && Math.abs(fps - nearest * 1000 / 1001) < 0.002) {
    return { num: nearest * 1000, den: 1001 };
  }
  const num = Math.max(1, Math.round(fps * 1000));
  const divisor = gcd(num, 1000);
  return { num: num / divisor, den: 1000 / divisor };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}
