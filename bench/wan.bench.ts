/**
 * The whole of Wan2.1-1.3B as Self Forcing runs it, with random weights made on the device: milliseconds a chunk at each
 * fill of the window, decoders, video encoder, memory, and shares of what the machine itself can do. Speed does not
 * depend on the weights' values.
 *
 *     deno run -A bench/wan.bench.ts --device cuda --json wan.json
 *     deno run -A bench/wan.bench.ts                  # a small configuration, on the CPU
 *     deno run -A bench/wan.bench.ts --predict h100   # nothing is run
 *
 * `--help` lists the rest.
 */

import { fusedAttentionWorks } from "../engine/load/mod.ts";
import { openDevice } from "../engine/runtime/mod.ts";
import { wan2_1_1_3b } from "../engine/networks/mod.ts";
import { choosePrecision } from "../plugins/_precision.ts";
import { heading } from "./_bench.ts";
import { bestOf, measureCeilings } from "./_wan_ceilings.ts";
import { measureDecoder } from "./_wan_decoders.ts";
import { measureEncode } from "./_wan_encode.ts";
import { help, parseOptions, type WanBenchOptions, type WanBenchRequest } from "./_wan_options.ts";
import type { Bench, MeasuredPart, MemoryRow } from "./_wan_parts.ts";
import { printPrediction } from "./_wan_predict.ts";
import { RandomTensors } from "./_wan_random.ts";
import { extrapolated, printMemory, printParts, printViewed, viewed } from "./_wan_report.ts";
import { latentShape, measureTransformer } from "./_wan_transformer.ts";

if (import.meta.main) {
  const options = parseOptions(Deno.args);
  if (options === "help") console.log(help);
  else if (options.predict !== undefined) printPrediction(options);
  else await run(options);
}

async function run(asked: WanBenchRequest): Promise<void> {
  await using device = await openDevice(asked.device, { threads: asked.threads });
  const precision = await choosePrecision(device, asked.precision);
  const options: WanBenchOptions = { ...asked, precision };
  const { sizes, small, runs } = options;
  const attention = await fusedAttentionWorks(device) ? "fused" : "composed";
  heading(`Wan2.1-1.3B on ${device.name}, ${precision}, ${attention} attention`);
  console.log(described(options));

  const before = await measureCeilings(device, precision, { small, runs });
  const parts: MeasuredPart[] = [];
  const memory: MemoryRow[] = [];
  const notes: string[] = [];
  const measures: Record<string, (bench: Bench) => Promise<void>> = {
    transformer: measureTransformer,
    taehv: (bench) => measureDecoder(bench, "taehv"),
    vae: (bench) => measureDecoder(bench, "vae"),
    encode: measureEncode,
  };
  for (const [name, measure] of Object.entries(measures)) {
    if (!(options.parts as ReadonlySet<string>).has(name)) continue;
    // What a part held is given back before the next.
    await using tensors = new RandomTensors(device);
    await measure({ device, tensors, options, attention, parts, memory, notes });
  }

  const ceilings = bestOf(before, await measureCeilings(device, precision, { small, runs }));
  printParts(parts, ceilings, precision);
  printMemory(memory, notes);
  const reduced = sizes.transformer.numLayers < wan2_1_1_3b.numLayers;
  const whole = reduced && options.extrapolate && !small ? extrapolated(parts, options) : undefined;
  if (whole) printParts(whole.filter(({ fill }) => fill !== undefined), ceilings, precision);
  const summary = viewed(whole ?? parts, options);
  printViewed(summary, options);
  if (small) console.log("\nA small configuration: these are no figures of the real one.");
  else if (reduced && !whole && options.parts.has("transformer")) {
    console.log(
      `\nOf a transformer with ${layers(sizes)} in place of ${wan2_1_1_3b.numLayers}: ` +
        "these are no figures of the real one.",
    );
  }
  if (options.json !== undefined) {
    const figures = { options, attention, ceilings, parts, extrapolated: whole, memory, summary };
    const replacer = (_: string, value: unknown) => value instanceof Set ? [...value] : value;
    await Deno.writeTextFile(options.json, JSON.stringify(figures, replacer, 2) + "\n");
  }
}

/** What is measured, and in what it differs from the real thing. */
function described(options: WanBenchOptions): string {
  const { sizes, small, runs } = options;
  const { shape, perFrame } = latentShape(options);
  return `${small ? "A small configuration: " : ""}${sizes.width} × ${sizes.height} pixels ` +
    `(${shape.width} × ${shape.height} latent cells, ${perFrame} tokens a frame), ` +
    `${layers(sizes)} of ${sizes.transformer.dim}, window ${sizes.window}, chunk ${sizes.chunk}, ` +
    `${sizes.steps.length} steps; medians of ${runs}`;
}

function layers({ transformer: { numLayers } }: WanBenchOptions["sizes"]): string {
  return `${numLayers} layer${numLayers > 1 ? "s" : ""}`;
}
