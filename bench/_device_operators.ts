/** Running one operator on the device and, in float32, on the CPU. */

import type { Precision } from "../engine/networks/mod.ts";
import { type Graph, writeModel } from "../engine/onnx/mod.ts";
import type { Device, SessionOptions, Tensor } from "../engine/runtime/mod.ts";
import { type DType, hostTensor, toFloat32 } from "../engine/tensor/mod.ts";
import type { Bench, Check, Outcome } from "./_device_check.ts";
import { allowedOf, type Given, shareOf, valuesFor } from "./_device_values.ts";
import { dimsOf } from "./_flops.ts";
import { median } from "./_bench.ts";
import { settled } from "./_wan_timing.ts";

/** An operator at a size. */
export interface OperatorCase {
  /** The graph, of one output; `rows` may be fewer than `count` for the reference. */
  build(dtype: Precision, rows: number): Graph;
  /**
   * Where rows do not touch each other: their number, and the inputs that have one for each. The reference is computed for
   * some of them.
   */
  readonly rows?: number;
  readonly byRow?: readonly string[];
  /** The reference's graph where it is another. */
  reference?(rows: number): Graph;
  readonly options?: SessionOptions;
  /** Instead of what is usual. */
  readonly allowed?: number;
}

/** Rows that the reference computes, the first and the last among them. */
const SAMPLE = 48;

function sampleOf(rows: number): number[] {
  const count = Math.min(SAMPLE, rows);
  return Array.from(
    { length: count },
    (_, i) => Math.round(i * (rows - 1) / Math.max(1, count - 1)),
  );
}

/** A check that an operator is right and how long it takes. */
export function operatorCheck(
  group: string,
  name: string,
  dtype: Precision,
  make: (bench: Bench) => OperatorCase & Pick<Outcome, "note" | "unused">,
): Check {
  return {
    group,
    name,
    dtype,
    async run(bench) {
      const { note, unused, ...operator } = make(bench);
      const { device, reference } = bench;
      const { rows = 0, byRow = [] } = operator;
      const graph = operator.build(dtype, rows);
      const values = valuesOf(graph);
      const sample = sampleOf(rows);
      const ran = await runOn(device, graph, (name) => values.get(name)!.data, operator.options);
      const small = operator.reference?.(sample.length) ??
        operator.build("float32", byRow.length > 0 ? sample.length : rows);
      const exact = await runOn(
        reference,
        small,
        (name) => {
          const { exact } = values.get(name)!;
          return byRow.includes(name) ? pick(exact as Float32Array, rows, sample) : exact;
        },
        {},
        false,
      );
      const actual = byRow.length > 0 ? pick(ran.output, rows, sample) : ran.output;
      return {
        error: shareOf(actual, exact.output),
        allowed: operator.allowed ?? allowedOf(dtype, device.kind),
        firstMs: ran.firstMs,
        steadyMs: ran.steadyMs,
        ...(note !== undefined && { note }),
        ...(unused && { unused }),
      };
    },
  };
}

/** Numbers for every input and parameter; those of weights keep the variance of what they are applied to. */
function valuesOf(graph: Graph): Map<string, Given> {
  const values = new Map<string, Given>();
  for (const value of graph.inputs) values.set(value.name, valuesFor(value, 1, values.size + 1));
  for (const { name, value } of graph.parameters.values()) {
    const fanIn = dimsOf(value).slice(1).reduce((a, b) => a * b, 1);
    values.set(name, valuesFor(value, Math.sqrt(3 / fanIn), values.size + 1));
  }
  return values;
}

function pick(all: Float32Array, rows: number, sample: readonly number[]): Float32Array {
  const width = all.length / rows;
  const picked = new Float32Array(sample.length * width);
  sample.forEach((row, i) => picked.set(all.subarray(row * width, (row + 1) * width), i * width));
  return picked;
}

/** The output in float32, and how long it took. */
async function runOn(
  device: Device,
  graph: Graph,
  given: (name: string) => Given["data"],
  options: SessionOptions = {},
  timed = true,
): Promise<{ output: Float32Array; firstMs: number; steadyMs: number }> {
  using stack = new DisposableStack();
  const model = writeModel(graph, (name) => {
    const { buffer, byteOffset, byteLength } = given(name);
    const data = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    return { dtype: graph.parameters.get(name)!.value.dtype, data };
  });
  await using session = await device.createSession(model, options);
  const binding = stack.use(session.createBinding());
  for (const value of graph.inputs) {
    const tensor = stack.use(device.createTensor(value.dtype, dimsOf(value)));
    await tensor.write(given(value.name) as never);
    binding.input(value.name, tensor as Tensor);
  }
  const [{ name, value }] = graph.outputs as unknown as [Graph["outputs"][number]];
  const output = stack.use(device.createTensor(value.dtype as DType, dimsOf(value)));
  binding.output(name, output);
  // Memory may still hold what the run before has written there: a kernel that does nothing must not look right.
  await output.write(noNumbers(value.dtype as Precision, output.size) as never);
  const run = async () => {
    const began = performance.now();
    await session.run(binding);
    await settled(output);
    return performance.now() - began;
  };
  const firstMs = await run();
  const steadyMs = timed ? median([await run(), await run(), await run()]) : firstMs;
  const data = await output.read();
  return { output: toFloat32(hostTensor(value.dtype, dimsOf(value), data)), firstMs, steadyMs };
}

/** What no right result has in it. */
export function noNumbers(dtype: Precision, count: number): Float32Array | Float16Array {
  return (dtype === "float16" ? new Float16Array(count) : new Float32Array(count)).fill(NaN);
}
