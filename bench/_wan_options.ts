/** What `wan.bench.ts` is asked for. */

import { parseArgs } from "node:util";
import {
  type TaehvConfig,
  taew2_1,
  wan2_1_1_3b,
  wan2_1_vae,
  type WanConfig,
  type WanVaeConfig,
} from "../engine/networks/mod.ts";
import { parseDevice } from "../engine/runtime/mod.ts";
import type { FloatType } from "./_wan_random.ts";

/** What can be measured. */
export const partNames = ["transformer", "taehv", "vae", "encode"] as const;
export type PartName = typeof partNames[number];

const precisions = ["auto", "float32", "float16"] as const;

/** The networks and their sizes. */
export interface WanBenchSizes {
  readonly transformer: WanConfig;
  readonly taehv: TaehvConfig;
  readonly vae: WanVaeConfig;
  /** Pixels of a picture; multiples of 16. */
  readonly height: number;
  readonly width: number;
  /** Latent frames of the cache, a multiple of those of a chunk. */
  readonly window: number;
  readonly chunk: number;
  /** Denoising passes of a chunk, as numbers of the even schedule. */
  readonly steps: readonly number[];
  /** Latent frames that are decoded at once; what the decoder stage would choose if left out. */
  readonly batch?: number;
}

/** What the command line asks for. */
export interface WanBenchRequest extends Omit<WanBenchOptions, "precision"> {
  /** `auto`: float16 where the device computes in it, as the stages choose. */
  readonly precision: "auto" | FloatType;
}

/** How the bench runs. */
export interface WanBenchOptions {
  readonly device: string;
  readonly threads: number;
  readonly precision: FloatType;
  readonly sizes: WanBenchSizes;
  /** Whether `sizes` is the small configuration, which says nothing of a real model's speed. */
  readonly small: boolean;
  /** Fills of the cache that are measured, in latent frames. */
  readonly fills: readonly number[];
  readonly runs: number;
  readonly parts: ReadonlySet<PartName>;
  /** File for the figures. */
  readonly json: string | undefined;
  /** Whether times of a transformer of reduced depth are carried over to the whole depth. */
  readonly extrapolate: boolean;
  /** Nothing is run: times are reckoned for this card. */
  readonly predict: string | undefined;
}

/** Self Forcing's own: Wan2.1-1.3B at 832 × 480, 21 latent frames of cache, chunks of 3, four steps. */
const full: WanBenchSizes = {
  transformer: wan2_1_1_3b,
  taehv: taew2_1,
  vae: wan2_1_vae,
  height: 480,
  width: 832,
  window: 21,
  chunk: 3,
  steps: [1000, 750, 500, 250],
};

/** Every part of it at a size that a software adapter runs in seconds. */
const small: WanBenchSizes = {
  ...full,
  transformer: {
    ...wan2_1_1_3b,
    dim: 128,
    ffnDim: 256,
    numHeads: 2,
    numLayers: 2,
    textDim: 64,
    textLen: 16,
  },
  taehv: { ...taew2_1, encoderWidth: 16, decoderWidths: [32, 16, 16, 16] },
  vae: { ...wan2_1_vae, dim: 16 },
  height: 64,
  width: 96,
};

export const help = `Measures the whole Wan2.1-1.3B with random weights made on the device.

    deno run -A bench/wan.bench.ts [options]

  --device D       cpu (default), webgpu, cuda, cuda:1 …
  --precision P    auto (default: float16 where the device computes in it), float32 or float16
  --small, --full  a small configuration (default on the CPU), or the real one (default elsewhere)
  --layers N       layers of the transformer, to fit a small machine
  --extrapolate    carries times at fewer layers over to all 30, and says so
  --height --width pixels;  --window --chunk --batch  latent frames
  --fills 3,21     fills of the window to measure; all of them by default
  --runs N         measurements, of which the median counts (3)
  --parts LIST     of transformer,taehv,vae,encode
  --threads N      of the CPU
  --json FILE      all figures as JSON
  --predict h100   runs nothing: what each part should take on that card, reckoned from the graphs
`;

/** Reads the command line; throws a RangeError or TypeError that says what is wrong with it. */
export function parseOptions(args: string[]): WanBenchRequest | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args,
    options: {
      help: flag,
      device: text,
      precision: text,
      small: flag,
      full: flag,
      layers: text,
      extrapolate: flag,
      height: text,
      width: text,
      window: text,
      chunk: text,
      batch: text,
      fills: text,
      runs: text,
      parts: text,
      threads: text,
      json: text,
      predict: text,
    },
  });
  if (values.help) return "help";
  const device = values.device ?? "cpu";
  const { kind } = parseDevice(device);
  const isSmall = values.small ?? (kind === "cpu" && !values.full && values.predict === undefined);
  const base = isSmall ? small : full;
  const sizes: WanBenchSizes = {
    ...base,
    transformer: {
      ...base.transformer,
      numLayers: whole("layers", values.layers, base.transformer.numLayers),
    },
    height: whole("height", values.height, base.height),
    width: whole("width", values.width, base.width),
    window: whole("window", values.window, base.window),
    chunk: whole("chunk", values.chunk, base.chunk),
    ...(values.batch !== undefined && { batch: whole("batch", values.batch, 1) }),
  };
  for (const side of ["height", "width"] as const) {
    if (sizes[side] % 16 !== 0) {
      throw new RangeError(`--${side}: expected a multiple of 16 pixels, got ${sizes[side]}`);
    }
  }
  if (sizes.window % sizes.chunk !== 0) {
    throw new RangeError(
      `--window: expected a multiple of the chunk of ${sizes.chunk} latent frames, got ${sizes.window}`,
    );
  }
  const possible = Array.from(
    { length: sizes.window / sizes.chunk },
    (_, i) => (i + 1) * sizes.chunk,
  );
  const fills = values.fills?.split(",").map(Number) ?? possible;
  for (const fill of fills) {
    if (!possible.includes(fill)) {
      throw new RangeError(`--fills: expected some of ${possible.join(",")}, got ${values.fills}`);
    }
  }
  return {
    device,
    threads: whole("threads", values.threads, navigator.hardwareConcurrency),
    precision: oneOf("precision", values.precision ?? "auto", precisions),
    sizes,
    small: isSmall,
    fills,
    runs: whole("runs", values.runs, 3),
    parts: new Set(
      (values.parts?.split(",") ?? partNames).map((part) => oneOf("parts", part, partNames)),
    ),
    json: values.json,
    extrapolate: values.extrapolate ?? false,
    predict: values.predict,
  };
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`--${name}: expected a whole number from 1, got ${text}`);
}

function oneOf<Name extends string>(flag: string, name: string, names: readonly Name[]): Name {
  const found = names.find((each) => each === name);
  if (found !== undefined) return found;
  throw new TypeError(`--${flag}: expected ${names.join(" or ")}, got ${name}`);
}
