/** What a device does right, found out by trying. */

import { Graph, multiHeadAttention, writeModel } from "../onnx/mod.ts";
import type { Device } from "../runtime/mod.ts";

const QUERIES = 48;
const HEADS = 2;
const WIDTH = 16;

/**
 * Whether the fused attention kernel of a device is right: some adapters' WebGPU kernel is wrong from 32 queries
 * on, where it assumes wider subgroups than there are (seen on SwiftShader). One small run tells.
 */
export async function fusedAttentionWorks(device: Device): Promise<boolean> {
  if (device.kind !== "webgpu") return true;
  const graph = new Graph("attention_probe");
  const dims = [1, QUERIES, HEADS * WIDTH];
  const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, "float32", dims)) as [
    ReturnType<Graph["input"]>,
    ReturnType<Graph["input"]>,
    ReturnType<Graph["input"]>,
  ];
  graph.output("mixed", multiHeadAttention(q, k, v, HEADS));
  await using session = await device.createSession(writeModel(graph));
  using binding = session.createBinding();
  // Keys are all alike, so that each query mixes the values evenly: the mean of the values in every row.
  const values = Float32Array.from({ length: QUERIES * HEADS * WIDTH }, (_, i) => (i * 37) % 101);
  for (const name of ["q", "k", "v"]) {
    using tensor = device.createTensor("float32", dims);
    await tensor.write(name === "v" ? values : new Float32Array(values.length).fill(0.1));
    binding.input(name, tensor);
  }
  using mixed = device.createTensor("float32", dims, { on: "host" });
  binding.output("mixed", mixed);
  await session.run(binding);
  const channels = HEADS * WIDTH;
  const means = Float64Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let row = 0; row < QUERIES; row++) sum += values[row * channels + c]!;
    return sum / QUERIES;
  });
  return mixed.data.every((value, i) => Math.abs(value - means[i % channels]!) < 1e-2);
}
