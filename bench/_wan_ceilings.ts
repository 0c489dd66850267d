/** What the machine can do at best, measured in the run that its figures are compared in. */

import { Graph, matMul, mul, type Value } from "../engine/onnx/mod.ts";
import type { Device } from "../engine/runtime/mod.ts";
import { sumWork, type Work, workOf } from "./_flops.ts";
import { type FloatType, RandomTensors } from "./_wan_random.ts";
import { settled, timed } from "./_wan_timing.ts";

/** The machine's own ceilings, in one element type. */
export interface Ceilings {
  /** Floating-point operations a second of square matrix products. */
  readonly flops: number;
  /** Bytes a second, read and written, of a copy by the simplest elementwise operator. */
  readonly bytes: number;
  /** Rows and columns of the products. */
  readonly size: number;
  /** The best of all measurements over the worst, of whichever moved more. */
  readonly drift: number;
}

/** Two measurements of one machine: its ceilings are the best of both. */
export function bestOf(a: Ceilings, b: Ceilings): Ceilings {
  const ratio = (x: number, y: number) => Math.max(x, y) / Math.min(x, y);
  return {
    flops: Math.max(a.flops, b.flops),
    bytes: Math.max(a.bytes, b.bytes),
    size: a.size,
    drift: Math.max(ratio(a.flops, b.flops), ratio(a.bytes, b.bytes)),
  };
}

/** Products in a row, so that handing them over costs little. */
const CHAIN = 4;

/** Measures both. Small where the bench is: a software adapter needs minutes for more. */
export async function measureCeilings(
  device: Device,
  dtype: FloatType,
  { small, runs }: { readonly small: boolean; readonly runs: number },
): Promise<Ceilings> {
  const cpu = device.kind === "cpu";
  const size = small ? (cpu ? 512 : 256) : cpu ? 1536 : 8192;
  const products = new Graph("products", dtype);
  let x = products.input("x", dtype, [size, size]);
  for (let i = 0; i < CHAIN; i++) x = matMul(x, products.parameter(`w${i}`, [size, size]));
  products.output("y", x);

  const copies = new Graph("copies", dtype);
  const elements = (small ? 4 : cpu ? 32 : 256) << 20;
  copies.output("y", mul(copies.input("x", dtype, [elements / 1024, 1024]), 0.5));

  const matrix = await rate(device, products, runs);
  const copy = await rate(device, copies, runs);
  return { flops: matrix.flops, bytes: copy.bytes, size, drift: 1 };
}

/** What a graph with one output gets done in a second. */
async function rate(device: Device, graph: Graph, runs: number): Promise<Work> {
  await using tensors = new RandomTensors(device);
  const inputs = await tensors.inputsOf(graph);
  const work = workOf(graph);
  const { value } = graph.outputs[0]! as { readonly value: Value };
  const result = tensors.empty(value.dtype, value.dims as readonly number[]);
  const { session, weights } = await tensors.load(graph);
  using binding = session.createBinding();
  for (const [name, tensor] of [...inputs, ...weights]) binding.input(name, tensor);
  binding.output("y", result);
  const ms = await timed(async () => {
    await session.run(binding);
    await settled(result);
  }, { runs });
  return sumWork(work, 1000 / ms);
}
