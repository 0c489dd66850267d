/** Measured parts as tables, and what they come to for whoever watches. */

import { fixed, table } from "./_bench.ts";
import { flopsOf, sumWork, workOf } from "./_flops.ts";
import type { Ceilings } from "./_wan_ceilings.ts";
import type { WanBenchOptions } from "./_wan_options.ts";
import { type MeasuredPart, type MemoryRow, nameOf } from "./_wan_parts.ts";
import { latentShape, passGraph } from "./_wan_transformer.ts";
import { wan2_1_1_3b } from "../engine/networks/mod.ts";

/** What a viewer notices, with one of the decoders. */
export interface Viewed {
  readonly decoder: string;
  /** Milliseconds from a prompt's embeddings to the first pictures, encoded. */
  readonly firstMs: number;
  /** Pictures a second at the fullest window measured: the networks one after another, the video encoder beside them. */
  readonly steady: number;
  /** The same over a clip of as many latent frames as the window; undefined where not every fill was measured. */
  readonly clip: number | undefined;
}

/** A number with a thousand's letter: 1.35 T. */
export function short(value: number): string {
  if (value === 0) return "–";
  const letters = ["", "k", "M", "G", "T", "P"];
  const power = Math.min(letters.length - 1, Math.floor(Math.log10(Math.abs(value)) / 3));
  const scaled = value / 1000 ** Math.max(0, power);
  return `${scaled.toPrecision(3)}${power > 0 ? ` ${letters[power]}` : ""}`;
}

/** Prints the parts beside the ceilings. */
export function printParts(
  parts: readonly MeasuredPart[],
  ceilings: Ceilings,
  precision: string,
): void {
  table(
    ["part", "ms", "FLOP", "bytes", "kernels", "FLOP/s", "of MatMul", "bytes/s", "of copy"],
    parts.map((part) => {
      const { ms, flops, bytes, kernels, host } = part;
      const seconds = ms / 1000;
      const share = (value: number, ceiling: number) =>
        host || value === 0 ? "–" : fixed(value / seconds / ceiling, 3);
      return [
        nameOf(part),
        ms < 10 ? fixed(ms, 2) : fixed(ms, 1),
        short(flops),
        short(bytes),
        kernels === 0 ? "–" : String(kernels),
        short(flops / seconds),
        share(flops, ceilings.flops),
        short(bytes / seconds),
        share(bytes, ceilings.bytes),
      ];
    }),
  );
  const { size, drift } = ceilings;
  console.log(
    `\nCeilings measured in this run, in ${precision}: MatMul of ${size} × ${size} ` +
      `${short(ceilings.flops)}FLOP/s; copy ${short(ceilings.bytes)}B/s, read and written.`,
  );
  if (drift > 1.1) {
    console.log(
      `Before and after the parts they differed by a factor of ${
        fixed(drift)
      }: the machine was not quiet.`,
    );
  }
}

/** Prints what lies in the device's memory. */
export function printMemory(rows: readonly MemoryRow[], notes: readonly string[]): void {
  const line = ({ name, bytes, planned }: MemoryRow) => [
    name,
    fixed(bytes / 1e6, 1),
    planned ? "reckoned" : "allocated",
  ];
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  table(["memory", "MB", ""], [...rows.map(line), ["all of it", fixed(bytes / 1e6, 1), ""]]);
  for (const note of notes) console.log(`\n${note}`);
}

/** Times of the transformer carried over to all its layers, by what they multiply and add. */
export function extrapolated(
  parts: readonly MeasuredPart[],
  options: WanBenchOptions,
): MeasuredPart[] {
  const { sizes } = options;
  const { numLayers } = wan2_1_1_3b;
  const whole = passGraph({ ...options, sizes: { ...sizes, transformer: wan2_1_1_3b } });
  const here = passGraph(options);
  const { perFrame } = latentShape(options);
  return parts.map((part) => {
    if (part.fill === undefined) return part;
    const cache = part.fill * perFrame;
    const passes = part.flops / flopsOf(here, { cache });
    const work = sumWork(workOf(whole, { cache }), passes);
    const factor = work.flops / part.flops;
    return {
      ...part,
      ...work,
      name: `${part.name} × ${fixed(factor, 1)} for ${numLayers} layers (extrapolated)`,
      ms: part.ms * factor,
    };
  });
}

/** What it comes to, with each decoder that was measured. */
export function viewed(parts: readonly MeasuredPart[], { sizes, fills }: WanBenchOptions) {
  const at = (stem: string, fill: number) =>
    parts.find((part) => part.fill === fill && part.name.startsWith(stem))?.ms;
  const encode = parts.find(({ name }) => name === "h264: chunk");
  const encodeMs = encode?.ms ?? 0;
  const full = Math.max(...fills);
  // The stage draws it between the passes, on the thread that waits for them.
  const noise = parts.find(({ name }) => name === "noise of a chunk")?.ms ?? 0;
  const result: Viewed[] = [];
  for (const decoder of ["taew2.1", "Wan VAE"]) {
    const first = parts.find(({ name }) => name === `${decoder}: first piece`);
    const chunk = parts.find(({ name }) => name === `${decoder}: chunk`);
    const denoise = at("denoise", full);
    const remember = at("cache pass", full);
    if (!first || !chunk || denoise === undefined || remember === undefined) continue;
    const pictures = chunk.pictures!;
    const networks = noise + denoise + remember + chunk.ms;
    const begin = at("denoise", sizes.chunk);
    const every = fills.length * sizes.chunk === sizes.window;
    const sum = fills.reduce((all, fill) => all + noise + at("denoise", fill)! + chunk.ms, 0) +
      fills.slice(0, -1).reduce((all, fill) => all + at("cache pass", fill)!, 0);
    const clipPictures = 4 * (sizes.window - 1) + 1;
    result.push({
      decoder,
      firstMs: noise + (begin ?? denoise) + first.ms + encodeMs * first.pictures! / pictures,
      steady: 1000 * pictures / Math.max(networks, encodeMs),
      clip: every
        ? 1000 * clipPictures / Math.max(sum, encodeMs * clipPictures / pictures)
        : undefined,
    });
  }
  return result;
}

/** Prints what a viewer notices. */
export function printViewed(rows: readonly Viewed[], options: WanBenchOptions): void {
  if (rows.length === 0) return;
  const { window } = options.sizes;
  table(
    [
      "with",
      "first pictures ms",
      `frames/s at ${Math.max(...options.fills)} frames`,
      `frames/s of a clip of ${window}`,
    ],
    rows.map(({ decoder, firstMs, steady, clip }) => [
      decoder,
      fixed(firstMs, 1),
      fixed(steady, 2),
      clip === undefined ? "–" : fixed(clip, 2),
    ]),
  );
  console.log(
    "\nFirst pictures: noise, the passes at an empty cache, the first piece decoded and encoded; the text encoder and " +
      "loading are not in it. Frames a second: noise and networks one after another, the video encoder beside them.",
  );
}
