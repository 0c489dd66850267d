/** Runs a graph once, from host arrays to host arrays. */

import { loadGraph } from "../engine/load/mod.ts";
import type { Graph } from "../engine/onnx/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import type { DType, TensorData } from "../engine/tensor/mod.ts";
import type { WeightFile } from "../engine/weights/mod.ts";

/** What runs of tests are given beside the graph. */
export interface RunGraphOptions {
  readonly weights?: WeightFile;
  readonly threads?: number;
  readonly device?: string;
  /** Opens the device, in place of its name; it is closed after the run. */
  readonly open?: () => Promise<Device>;
  /** Puts another device around that one. */
  readonly wrap?: (device: Device) => Device;
  /** Sizes that the graph knows by name only. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** Where a test runs. */
export type TestPlace = Pick<RunGraphOptions, "threads" | "device">;

/** The outputs by name. */
export async function runGraph(
  graph: Graph,
  inputs: Readonly<Record<string, TensorData>>,
  { weights, threads = 1, device: name = "cpu", open, wrap, sizes = {} }: RunGraphOptions = {},
): Promise<Record<string, TensorData>> {
  const opened = await (open ? open() : openDevice(name, { threads }));
  await using device = wrap ? wrap(opened) : opened;
  await using session = await loadGraph(device, graph, weights);
  using binding = session.createBinding();
  for (const { name, dtype, dims } of graph.inputs) {
    using tensor = device.createTensor(
      dtype as DType,
      dims.map((dim) => typeof dim === "string" ? sizes[dim]! : dim),
    );
    await tensor.write(inputs[name] as never);
    binding.input(name, tensor);
  }
  for (const { name } of graph.outputs) binding.outputOnHost(name);
  await session.run(binding);
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, binding.take(name).data]));
}
