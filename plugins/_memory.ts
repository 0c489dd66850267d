/** What networks hold in memory, reckoned from their graphs and, where it is there, the file of weights. */

import { isAbsolute, join } from "@std/path";
import type { Graph, Value } from "../engine/onnx/mod.ts";
import { bytesPer, type DType, isFloat } from "../engine/tensor/mod.ts";
import { openWeightFile, splitWeightSpec, type WeightFile } from "../engine/weights/mod.ts";
import type { MemoryPart } from "../pipeline/memory.ts";

/** Bytes of a float32. */
export const float32 = 4;

/** How a file of weights is looked at. */
export interface StoredOptions {
  /** Type of the published file, where there is none here to look into. Default: float32. */
  readonly stored?: DType;
  readonly device: string;
}

/**
 * The weights of graphs as the runtime holds them. Each session has weights of its own, in the type the graph
 * computes in; a table that is only gathered from stays in the type it is stored in, except on WebGPU.
 */
export function weightsOf(
  name: string,
  graphs: readonly Graph[],
  file: WeightFile | undefined,
  options: StoredOptions,
): MemoryPart {
  const { stored = "float32", device } = options;
  let bytes = 0;
  for (const graph of graphs) {
    const tables = device === "webgpu" ? new Set<Value>() : gathered(graph);
    for (const { name, shape, value } of graph.parameters.values()) {
      const dtype = tables.has(value)
        ? file?.tensors.get(name)?.dtype ?? stored
        : atWork(value.dtype, device);
      bytes += countOf(shape) * bytesPer(dtype);
    }
  }
  const dtype = atWork(graphs[0]?.dtype ?? "float32", device);
  return { name, bytes, detail: `${storedIn(graphs, file, options)}, ${dtype} at work` };
}

/** ONNX Runtime's CPU has few kernels for float16, and widens weights of that type when it loads them. */
function atWork(dtype: DType, device: string): DType {
  return dtype === "float16" && device === "cpu" ? "float32" : dtype;
}

/**
 * What loading graphs on a card takes of the machine's own memory: weights that are stored in another type than the
 * graph's are cast there, all of one graph before any goes to the card. Graphs of a stage are loaded one after another.
 */
export function loadingOf(
  graphs: readonly Graph[],
  file: WeightFile | undefined,
  { stored = "float32", device }: StoredOptions,
): MemoryPart[] {
  if (device === "cpu") return [];
  const bytes = graphs.map((graph) => {
    const tables = device === "webgpu" ? new Set<Value>() : gathered(graph);
    return [...graph.parameters.values()].reduce((sum, { name, shape, value }) => {
      const cast = !tables.has(value) && (file?.tensors.get(name)?.dtype ?? stored) !== value.dtype;
      return cast && isFloat(value.dtype) ? sum + countOf(shape) * bytesPer(value.dtype) : sum;
    }, 0);
  });
  const most = Math.max(...bytes);
  if (most < 1e6) return [];
  return [{
    name: "weights on their way",
    bytes: most,
    device: "cpu",
    detail: "cast before they go to the card",
    passing: true,
  }];
}

/** `1,000 parameters, 2 MB of bfloat16 in the file`: what graphs read. */
export function storedIn(
  graphs: readonly Graph[],
  file: WeightFile | undefined,
  { stored = "float32" }: StoredOptions,
): string {
  let parameters = 0;
  let bytes = 0;
  let from: DType | undefined;
  for (const { name, shape } of graphs.flatMap((graph) => [...graph.parameters.values()])) {
    const dtype = file?.tensors.get(name)?.dtype ?? stored;
    parameters += countOf(shape);
    bytes += countOf(shape) * bytesPer(dtype);
    from ??= dtype;
  }
  const megabytes = (bytes / 1e6).toLocaleString("en-US", { maximumFractionDigits: 1 });
  return `${parameters.toLocaleString("en-US")} parameters, ${megabytes} MB of ${
    from ?? stored
  } in the file`;
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Parameters that nodes only take rows from. */
function gathered(graph: Graph): Set<Value> {
  const parameters = new Set([...graph.parameters.values()].map(({ value }) => value));
  const tables = new Set<Value>();
  const others = new Set<Value>();
  for (const { operator, inputs } of graph.nodes) {
    inputs.forEach((value, i) => {
      if (!value || !parameters.has(value)) return;
      (operator === "Gather" && i === 0 ? tables : others).add(value);
    });
  }
  return tables.difference(others);
}

/**
 * What ONNX Runtime takes on a CPU, of what is alive at the same time: convolutions read and write copies in a layout of
 * their own, and its arena gives out pieces larger than asked for and leaves gaps. Measured with 1.30: 1.6 for TAEHV,
 * 1.8 for a Wan transformer, 1.9 to 2.2 for the Wan VAE.
 */
const takenOnCpu = 2.2;

/**
 * What a run of a graph takes, about: the largest values that are alive at the same time, as its nodes stand in order,
 * and on a CPU what the runtime takes beside them.
 */
export function activationsOf(graph: Graph, device: string): number {
  return mostAlive(graph) * (device === "cpu" ? takenOnCpu : 1);
}

function mostAlive(graph: Graph): number {
  const last = new Map<Value, number>();
  graph.nodes.forEach(({ inputs, outputs }, i) => {
    for (const value of [...inputs, ...outputs]) if (value) last.set(value, i);
  });
  const leave = new Map<number, number>();
  let alive = 0;
  let most = 0;
  graph.nodes.forEach(({ outputs }, i) => {
    for (const value of outputs) {
      const bytes = bytesOf(value);
      alive += bytes;
      const end = last.get(value) ?? i;
      leave.set(end, (leave.get(end) ?? 0) + bytes);
    }
    most = Math.max(most, alive);
    alive -= leave.get(i) ?? 0;
  });
  return most;
}

function bytesOf({ dims, dtype }: Value): number {
  const count = dims.reduce<number>((a, b) => a * (typeof b === "number" ? b : 1), 1);
  return count * bytesPer(dtype);
}

/** The file of weights, if it is there and can be read: what is wrong with it is told when it is loaded. */
export async function peek(
  path: string | undefined,
  builtIn: URL | undefined,
  directory: string,
): Promise<WeightFile | undefined> {
  try {
    if (path === undefined) return builtIn && await openWeightFile(pathOf(builtIn));
    const { path: file, key } = splitWeightSpec(isAbsolute(path) ? path : join(directory, path));
    return await openWeightFile(key === undefined ? file : `${file}#${key}`);
  } catch {
    return undefined;
  }
}

function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname).replace(/^\/([A-Za-z]:)/, "$1");
}
