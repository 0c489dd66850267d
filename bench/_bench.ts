/** What the benchmarks share: heading, table, medians, and graphs that run on random numbers. */

import deno from "../deno.json" with { type: "json" };
import { type Graph, writeModel } from "../engine/onnx/mod.ts";
import type { Binding, Device, Session, Tensor } from "../engine/runtime/mod.ts";
import { arrayOf } from "../engine/tensor/mod.ts";

export { flopsOf } from "./_flops.ts";

/** Says what is measured, on what, with which versions and when. */
export function heading(title: string): void {
  const versions = ["onnxruntime-node", "node-av"].map((name) =>
    deno.imports[name as keyof typeof deno.imports].replace("npm:", "")
  );
  console.log(title);
  console.log(
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC; ${machine()}; ` +
      `Deno ${Deno.version.deno}, ${versions.join(", ")}`,
  );
}

/** Cores, system and the widest vector instructions, where the system tells. */
function machine(): string {
  let vectors = "";
  try {
    const info = Deno.readTextFileSync("/proc/cpuinfo");
    vectors = ["amx_tile", "avx512f", "avx2", "asimd"].find((flag) => info.includes(flag)) ?? "";
    if (vectors) vectors = `, ${vectors}`;
    const [load] = Deno.loadavg();
    vectors += `, load ${load!.toFixed(1)} before`;
  } catch { /* no such file elsewhere */ }
  return `${navigator.hardwareConcurrency} cores, ${Deno.build.arch}${vectors}, ${Deno.build.os}`;
}

/** Prints rows under their titles, numbers to the right. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [titles, ...rows];
  const widths = titles.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${
      row.map((cell, i) => i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join(" | ")
    } |`;
  console.log("");
  console.log(line(titles));
  console.log(
    `| ${widths.map((n, i) => i ? `${"-".repeat(n - 1)}:` : "-".repeat(n)).join(" | ")} |`,
  );
  for (const row of rows) console.log(line(row));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `1.23` or whatever number of digits is asked for. */
export function fixed(value: number, digits = 2): string {
  return value.toFixed(digits);
}

/** A graph with its binding, ready to be run again and again. */
export interface Loaded extends AsyncDisposable {
  readonly session: Session;
  readonly binding: Binding;
  /** Milliseconds of one run. */
  run(): Promise<number>;
}

/** How a graph is loaded for measuring. */
export interface LoadOptions {
  /** Sizes of symbolic axes. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** The input whose memory an output is written to, by the output's name. */
  readonly alias?: Readonly<Record<string, string>>;
  readonly profile?: string;
}

/** Loads a graph with random weights inside, binds random inputs. */
export async function loadRandom(
  device: Device,
  graph: Graph,
  { sizes = {}, alias = {}, profile }: LoadOptions = {},
): Promise<Loaded> {
  await using stack = new AsyncDisposableStack();
  const model = writeModel(graph, (name) => {
    const { shape } = graph.parameters.get(name)!;
    const fanIn = shape.length > 1 ? shape.slice(1).reduce((a, b) => a * b) : 1;
    return { dtype: "float32", data: bytesOf(random(elements(shape), Math.sqrt(1 / fanIn))) };
  });
  const session = stack.use(await device.createSession(model, profile ? { profile } : {}));
  const binding = stack.use(session.createBinding());
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, dims } of graph.inputs) {
    const shape = dims.map((dim) => typeof dim === "string" ? sizes[dim]! : dim);
    const tensor = stack.use(device.createTensor(dtype, shape)) as Tensor;
    const data = dtype === "float32"
      ? random(elements(shape), 1)
      : new (arrayOf(dtype))(elements(shape));
    if (name === "slots") (data as BigInt64Array).forEach((_, i) => data[i] = rowOf(i));
    await tensor.write(data as never);
    tensors.set(name, tensor);
    binding.input(name, tensor);
  }
  for (const { name } of graph.outputs) {
    const to = alias[name];
    if (to !== undefined) binding.output(name, tensors.get(to)!);
    else binding.outputOnHost(name);
  }
  const owned = stack.move();
  return {
    session,
    binding,
    async run() {
      const began = performance.now();
      await session.run(binding);
      return performance.now() - began;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The rows (0, 0), (0, 1), … */
function rowOf(i: number): bigint {
  return i % 2 ? BigInt(i >> 1) : 0n;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Numbers in −scale … scale, the same each time. */
function random(count: number, scale: number): Float32Array {
  const values = new Float32Array(count);
  let state = 0x9e3779b9;
  for (let i = 0; i < count; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5 | 0;
    values[i] = state / 0x80000000 * scale;
  }
  return values;
}

function bytesOf(values: Float32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
}
