/** What a device does right, found out by trying. */

import {
  cast,
  Graph,
  matMul,
  mul,
  multiHeadAttention,
  scatterRows,
  softmax,
  writeModel,
} from "../onnx/mod.ts";
import { type Device, OrtError } from "../runtime/mod.ts";

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

const PROBE_ROWS = 4;
const PROBE_SUM = 512;

/**
 * Whether 16-bit floats are of use on a device. The CPU has no kernels for them: it works, by a cast before and behind
 * every operator, and is slower than in float32. Adapters without them make a session of such a graph and fail when
 * they run it, so that one small run tells: a product whose sum is beyond what float16 counts exactly, softmax in
 * float32 between casts, rows scattered into a cache in place.
 */
export async function float16Works(device: Device): Promise<boolean> {
  if (device.kind === "cpu") return false;
  try {
    return await tryFloat16(device);
  } catch (error) {
    if (error instanceof OrtError) return false;
    throw error;
  }
}

/** The run itself. On its own so that a device without native kernels can be asked too. */
export async function tryFloat16(device: Device): Promise<boolean> {
  const graph = new Graph("float16_probe", "float16");
  const half = (name: string, dims: readonly number[]) => graph.input(name, "float16", dims);
  const rows = [1, PROBE_ROWS, PROBE_ROWS];
  const cache = half("cache", [1, 2 * PROBE_ROWS, PROBE_ROWS]);
  const slots = graph.input("slots", "int64", [1, PROBE_ROWS, 2]);
  const product = matMul(
    half("a", [1, PROBE_ROWS, PROBE_SUM]),
    half("b", [1, PROBE_SUM, PROBE_ROWS]),
  );
  graph.output("cache.updated", scatterRows(cache, slots, product));
  const spread = softmax(cast(mul(half("c", rows), 0.5), "float32"));
  graph.output("even", cast(spread, "float16"));
  await using session = await device.createSession(writeModel(graph));
  using stack = new DisposableStack();
  const binding = stack.use(session.createBinding());
  const given = async (name: string, shape: readonly number[], value: number) => {
    const tensor = stack.use(device.createTensor("float16", shape));
    await tensor.write(new Float16Array(tensor.size).fill(value));
    binding.input(name, tensor);
    return tensor;
  };
  await given("a", [1, PROBE_ROWS, PROBE_SUM], 3);
  await given("b", [1, PROBE_SUM, PROBE_ROWS], 1.5);
  await given("c", rows, 5);
  const kept = await given("cache", [1, 2 * PROBE_ROWS, PROBE_ROWS], 7);
  const places = stack.use(device.createTensor("int64", [1, PROBE_ROWS, 2]));
  await places.write(BigInt64Array.from({ length: 2 * PROBE_ROWS }, (_, i) => BigInt(i % 2 && i)));
  binding.input("slots", places).output("cache.updated", kept);
  const even = stack.use(device.createTensor("float16", rows, { on: "host" }));
  binding.output("even", even);
  await session.run(binding);
  const scattered = await kept.read();
  const spreadOut = await even.read();
  // Rows 1, 3, 5 and 7 were replaced. Kernels that sum in 16 bits lose some 1% here.
  const sum = PROBE_SUM * 3 * 1.5;
  return scattered.every((value, i) =>
    Math.floor(i / PROBE_ROWS) % 2 ? Math.abs(value / sum - 1) < 0.02 : value === 7
  ) && spreadOut.every((value) => value === 1 / PROBE_ROWS);
}
