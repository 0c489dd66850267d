/** Prints what each part should take on a card that is not at hand, so that a first run has something to be held against. */

import type { Graph } from "../engine/onnx/mod.ts";
import { fixed, heading, table } from "./_bench.ts";
import { bytesOf, type NodeWork, plannedBytes, sumWork, workOf } from "./_flops.ts";
import {
  addTimes,
  type Assumptions,
  assumptions,
  type Card,
  cards,
  predict,
  type Predicted,
  totalOf,
} from "./_wan_cards.ts";
import { type DecoderGraphs, decoderGraphs, memoryBytes } from "./_wan_decoders.ts";
import type { WanBenchOptions, WanBenchRequest } from "./_wan_options.ts";
import { type MeasuredPart, nameOf } from "./_wan_parts.ts";
import type { FloatType } from "./_wan_random.ts";
import { printMemory, printViewed, short, viewed } from "./_wan_report.ts";
import { contextGraph, latentShape, passGraph } from "./_wan_transformer.ts";

/** A part of which the nodes are known. */
interface Part {
  readonly name: string;
  readonly fill?: number;
  readonly pictures?: number;
  readonly work: readonly NodeWork[];
  /** How often it runs for one chunk. */
  readonly times: number;
}

/** Prints everything for a card, in the precision asked for or in both. */
export function printPrediction(request: WanBenchRequest): void {
  const card = cards[request.predict!];
  if (!card) {
    throw new TypeError(
      `--predict: expected ${Object.keys(cards).join(" or ")}, got ${request.predict}`,
    );
  }
  heading(`Wan2.1-1.3B on an ${card.name}: predicted, never measured`);
  console.log(card.source);
  const { efficiency, bandwidth, launch } = assumptions;
  console.log(
    `Assumed: ${
      Object.entries(efficiency).map(([kind, share]) => `${kind} ${share}`).join(", ")
    } of these FLOP/s, ${bandwidth} of the bandwidth, ${launch * 1e6} µs a kernel`,
  );
  console.log(
    "Not reckoned: what the host does (noise, reading pictures back, the video encoder), and what the runtime fuses",
  );
  const wanted: FloatType[] = request.precision === "auto"
    ? ["float16", "float32"]
    : [request.precision];
  for (const precision of wanted) printOne({ ...request, precision }, card);
}

function printOne(options: WanBenchOptions, card: Card): void {
  const { fills, sizes, precision } = options;
  const decoders = (["taehv", "vae"] as const).map((kind) => decoderGraphs(kind, options));
  const pass = passGraph(options);
  const { perFrame } = latentShape(options);
  const parts: Part[] = [
    { name: "text's keys and values", work: workOf(contextGraph(options)), times: 1 },
    ...fills.flatMap((fill): Part[] => {
      const work = workOf(pass, { cache: fill * perFrame });
      return [
        { name: "denoise", fill, work, times: sizes.steps.length },
        { name: "cache pass", fill, work, times: 1 },
      ];
    }),
    ...decoders.flatMap(({ name, pieces, first, next }): Part[] => {
      const times = sizes.chunk / pieces;
      return [
        {
          name: `${name}: first piece`,
          work: workOf(first.graph),
          times: 1,
          pictures: first.pictures,
        },
        {
          name: `${name}: chunk`,
          work: workOf(next.graph),
          times,
          pictures: next.pictures * times,
        },
      ];
    }),
  ];

  console.log(`\n${precision}`);
  const timeOf = (part: Part, assumed?: Assumptions) =>
    addTimes([[predict(part.work, card, assumed), part.times]]);
  const kinds = Object.keys(timeOf(parts[0]!)) as (keyof Predicted)[];
  table(
    ["part, ms", "all", ...kinds, "FLOP", "bytes", "kernels"],
    parts.map((part) => {
      const time = timeOf(part);
      const { flops, bytes, kernels } = sumWork(part.work, part.times);
      const cells = kinds.map((kind) => time[kind] === 0 ? "–" : fixed(time[kind], 2));
      const all = fixed(totalOf(time), 1);
      return [nameOf(part), all, ...cells, short(flops), short(bytes), `${kernels}`];
    }),
  );
  const asMeasured = parts.map((part): MeasuredPart => ({
    name: part.name,
    ...(part.fill !== undefined && { fill: part.fill }),
    ...(part.pictures !== undefined && { pictures: part.pictures }),
    ...sumWork(part.work, part.times),
    ms: totalOf(timeOf(part)),
  }));
  printViewed(viewed(asMeasured, options), options);
  printLevers(parts, Math.max(...fills), card);
  for (const { name, next } of decoders) printOperators(name, workOf(next.graph), card);
  printMemory(memoryOf(options, pass, decoders), []);
}

/** What each of several changes would save at most, of a chunk at the fullest window. */
function printLevers(parts: readonly Part[], full: number, card: Card): void {
  const chunk = (assumed: Assumptions, without: readonly (keyof Predicted)[], stem: string) =>
    parts
      .filter(({ name, fill }) =>
        stem === "transformer" ? fill === full : name === `${stem}: chunk`
      )
      .reduce((sum, { work, times }) => {
        const time = predict(work, card, assumed);
        return sum + times * (totalOf(time) - without.reduce((all, kind) => all + time[kind], 0));
      }, 0);
  const faster = (kind: "attention" | "convolution" | "product", share: number): Assumptions => ({
    ...assumptions,
    efficiency: { ...assumptions.efficiency, [kind]: share },
  });
  const levers: readonly [string, Assumptions, readonly (keyof Predicted)[]][] = [
    ["as predicted", assumptions, []],
    ["no launches (CUDA graphs)", assumptions, ["launches"]],
    ["no casts", assumptions, ["cast"]],
    ["norms, elementwise, casts fused away", assumptions, ["norm", "elementwise", "cast"]],
    ["no layout moves", assumptions, ["layout"]],
    ["attention at 0.60", faster("attention", 0.6), []],
    ["products at 0.70", faster("product", 0.7), []],
    ["convolutions at 0.60", faster("convolution", 0.6), []],
  ];
  const stems = ["transformer", "taew2.1", "Wan VAE"];
  table(
    ["a chunk at most saved, ms", ...stems],
    levers.map(([name, assumed, without]) => [
      name,
      ...stems.map((stem) => {
        const base = chunk(assumptions, [], stem);
        const then = chunk(assumed, without, stem);
        return without.length === 0 && assumed === assumptions
          ? fixed(base, 1)
          : `−${fixed(base - then, 1)}`;
      }),
    ]),
  );
}

/** What a piece's operators move. */
function printOperators(name: string, work: readonly NodeWork[], card: Card): void {
  const byOperator = Map.groupBy(work, ({ node, kind }) => `${node.operator} (${kind})`);
  const rows = [...byOperator].map(([operator, nodes]) => {
    const { bytes, kernels } = sumWork(nodes);
    return { operator, bytes, kernels, ms: totalOf({ ...predict(nodes, card), launches: 0 }) };
  }).sort((a, b) => b.ms - a.ms);
  table(
    [`${name}: a piece's operators`, "nodes", "bytes", "ms"],
    rows.map(({ operator, bytes, kernels, ms }) => [
      operator,
      `${kernels}`,
      short(bytes),
      fixed(ms, 2),
    ]),
  );
}

function memoryOf(options: WanBenchOptions, pass: Graph, decoders: readonly DecoderGraphs[]) {
  const cache = options.sizes.window * latentShape(options).perFrame;
  const parameters = (...graphs: Graph[]) =>
    new Map(graphs.flatMap(({ parameters }) => [...parameters])).values()
      .reduce((sum, { value }) => sum + bytesOf(value), 0);
  const inputs = (prefix: string) =>
    pass.inputs.filter(({ name }) => name.startsWith(prefix))
      .reduce((sum, value) => sum + bytesOf(value, { cache }), 0);
  return [
    { name: "transformer: weights", bytes: parameters(pass, contextGraph(options)) },
    { name: "transformer: key-value cache", bytes: inputs("cache.") },
    { name: "transformer: text's keys and values", bytes: inputs("context.") },
    { name: "transformer: activations", bytes: plannedBytes(pass, { cache }) },
    ...decoders.flatMap((decoder) => [
      {
        name: `${decoder.name}: weights`,
        bytes: parameters(decoder.first.graph, decoder.next.graph),
      },
      { name: `${decoder.name}: memories`, bytes: memoryBytes(decoder) },
      { name: `${decoder.name}: activations`, bytes: plannedBytes(decoder.next.graph) },
    ]),
  ].map((row) => ({ ...row, planned: true as const }));
}
