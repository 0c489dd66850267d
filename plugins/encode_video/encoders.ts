import type { VideoCodec, VideoSettings } from "./settings.ts";

/** An encoder of FFmpeg and what it is told. */
export interface EncoderPlan {
  readonly backend: "software" | "nvenc";
  /** FFmpeg's name. */
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  /** Pictures between key frames, at most; keys of a stream are asked for by picture instead. */
  readonly gop: number;
  /**
   * The encoder keeps pictures back even when told not to, so a stream ends it after each chunk and
   * begins anew: its pictures leave at once, and the chunk begins with a key frame anyway.
   */
  readonly restarts: boolean;
}

/** A stream asks for its key frames; this only has to be longer than any run between two. */
const endlessGop = 1 << 20;

/** The encoders worth trying for these settings, best first. */
export function encoderPlans(settings: VideoSettings, threads: number): EncoderPlan[] {
  return settings.backends.map((backend) =>
    backend === "nvenc" ? nvenc(settings) : software(settings, threads)
  );
}

function software(settings: VideoSettings, threads: number): EncoderPlan {
  const { stream } = settings;
  const plan = softwareEncoders[settings.codec];
  return {
    backend: "software",
    name: plan.name,
    options: plan.options(settings, threads),
    gop: stream ? endlessGop : settings.keyInterval,
    restarts: stream && settings.codec === "av1",
  };
}

interface SoftwareEncoder {
  readonly name: string;
  options(settings: VideoSettings, threads: number): Record<string, string>;
}

const softwareEncoders: Readonly<Record<VideoCodec, SoftwareEncoder>> = {
  h264: {
    name: "libx264",
    options: ({ crf, preset, stream }) => ({
      preset: preset ?? "veryfast",
      crf: String(crf),
      ...(stream ? { tune: "zerolatency", "forced-idr": "1", "x264-params": "scenecut=0" } : {}),
    }),
  },
  hevc: {
    name: "libx265",
    options: ({ crf, preset, stream }, threads) => ({
      preset: preset ?? "veryfast",
      crf: String(crf),
      // One frame thread: more change the bytes with the machine. `info` would add a build string.
      "x265-params": `log-level=none:info=0:open-gop=0:frame-threads=1:pools=${threads}` +
        (stream ? ":scenecut=0" : ""),
      ...(stream ? { tune: "zerolatency", "forced-idr": "1" } : {}),
    }),
  },
  av1: {
    name: "libsvtav1",
    options: ({ crf, preset, stream }, threads) => ({
      preset: preset ?? "10",
      crf: String(crf),
      "svtav1-params": `lp=${threads}` + (stream ? ":pred-struct=1:lookahead=0" : ""),
    }),
  },
  vp9: {
    name: "libvpx-vp9",
    options: ({ crf, preset, stream }) => ({
      "cpu-used": preset ?? "6",
      crf: String(crf),
      // Constant quality: without a bit rate of 0 the codec's default of 200 kbit/s is a ceiling.
      b: "0",
      deadline: stream ? "realtime" : "good",
      ...(stream ? { "lag-in-frames": "0", "auto-alt-ref": "0" } : {}),
    }),
  },
};

const nvencNames: Readonly<Partial<Record<VideoCodec, string>>> = {
  h264: "h264_nvenc",
  hevc: "hevc_nvenc",
  av1: "av1_nvenc",
};

function nvenc({ codec, crf, preset, stream, keyInterval }: VideoSettings): EncoderPlan {
  return {
    backend: "nvenc",
    name: nvencNames[codec] ?? `${codec}_nvenc`,
    options: {
      preset: preset ?? "p4",
      rc: "vbr",
      cq: String(crf),
      b: "0",
      "forced-idr": "1",
      ...(stream ? { tune: "ull", zerolatency: "1", delay: "0", bf: "0" } : { tune: "hq" }),
    },
    gop: stream ? endlessGop : keyInterval,
    restarts: false,
  };
}
