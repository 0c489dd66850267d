/** Copies between host and device, and rows scattered into a cache in place: everything else stands on these. */

import type { Precision } from "../engine/networks/mod.ts";
import { wan2_1_1_3b } from "../engine/networks/mod.ts";
import { composedAttention, Graph, scatterRows, writeModel } from "../engine/onnx/mod.ts";
import type { Device, Tensor } from "../engine/runtime/mod.ts";
import { float32ToFloat16, toFloat32 } from "../engine/tensor/mod.ts";
import type { Bench, Check, Outcome } from "./_device_check.ts";
import { noNumbers } from "./_device_operators.ts";
import { allowedOf, randomFloats, shareOf } from "./_device_values.ts";

/** There and back, device to device, and the first elements through a view: bit by bit. */
function copyCheck(dtype: "float32" | "float16" | "int64"): Check {
  return {
    group: "copies",
    name: `host, device and back, ${dtype}`,
    async run({ device, quick }) {
      const count = (quick ? 1 : 64) << 20;
      const floats = randomFloats(count, 100, 1);
      const data = dtype === "float32"
        ? floats
        : dtype === "float16"
        ? float32ToFloat16(floats)
        : BigInt64Array.from({ length: count / 8 }, (_, i) => BigInt(Math.floor(floats[i]! * 1e9)));
      using first = device.createTensor(dtype, [data.length]);
      using second = device.createTensor(dtype, [data.length]);
      const began = performance.now();
      await first.write(data as never);
      await second.copyFrom(first);
      const back = await second.read();
      const firstMs = performance.now() - began;
      const again = performance.now();
      await first.write(data as never);
      await first.read();
      const steadyMs = performance.now() - again;
      const part = data.length / 4;
      using beginning = second.view([part]);
      await beginning.write(data.slice(part, 2 * part) as never);
      const seen = await beginning.read();
      const whole = await second.read();
      const right = same(back, data) && same(seen, data.subarray(part, 2 * part)) &&
        same(whole.subarray(0, part), data.subarray(part, 2 * part)) &&
        same(whole.subarray(part), data.subarray(part));
      const gigabytes = 2 * data.byteLength / 1e6 / steadyMs;
      return {
        error: right ? 0 : Infinity,
        allowed: 0,
        firstMs,
        steadyMs,
        note: `${gigabytes.toFixed(1)} GB/s`,
      };
    },
  };
}

type Numbers = Float32Array | Float16Array | BigInt64Array;

function same(a: Numbers, b: Numbers): boolean {
  return a.length === b.length && a.every((value: unknown, i: number) => value === b[i]);
}

/** Sizes of the cache's runs. */
interface CacheRuns {
  readonly rows: number;
  readonly each: number;
  readonly width: number;
  readonly heads: number;
}

function cacheRuns({ quick }: Bench): CacheRuns {
  return {
    rows: quick ? 64 : 4 * 1560,
    each: quick ? 16 : 1560,
    width: wan2_1_1_3b.dim,
    heads: wan2_1_1_3b.numHeads,
  };
}

/** The cache's update as the transformer makes it, and attention over what it is then. */
function cacheGraph({ each, width, heads }: CacheRuns, dtype: Precision): Graph {
  const graph = new Graph("cache", dtype);
  const cache = graph.input("cache", dtype, [1, "filled", width]);
  const slots = graph.input("slots", "int64", [1, each, 2]);
  const updated = scatterRows(cache, slots, graph.input("rows", dtype, [1, each, width]));
  graph.output("cache.updated", updated);
  const q = graph.input("q", dtype, [1, each, width]);
  graph.output("mixed", composedAttention(q, updated, updated, heads));
  return graph;
}

/** What the runs give: the whole cache at the end, and attention's outputs one after another. */
interface CacheResult {
  readonly cache: Float32Array;
  readonly mixed: Float32Array;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Fills a cache part by part through views of its beginning, then writes over the first part again. */
async function fillCache(device: Device, runs: CacheRuns, dtype: Precision): Promise<CacheResult> {
  const { rows, each, width } = runs;
  using stack = new DisposableStack();
  await using session = await device.createSession(writeModel(cacheGraph(runs, dtype)));
  const make = (shape: readonly number[]) => stack.use(device.createTensor(dtype, shape));
  const write = (tensor: Tensor<Precision>, values: Float32Array) =>
    tensor.write((dtype === "float16" ? float32ToFloat16(values) : values) as never);
  const cache = make([1, rows, width]);
  await write(cache, new Float32Array(cache.size).fill(7));
  const mixed: number[] = [];
  const count = rows / each;
  let [firstMs, lastMs] = [0, 0];
  for (let run = 0; run <= count; run++) {
    const [place, filled] = run < count ? [run, (run + 1) * each] : [0, rows];
    using scope = new DisposableStack();
    const binding = scope.use(session.createBinding());
    const seen = scope.use(cache.view([1, filled, width]));
    const q = scope.use(device.createTensor(dtype, [1, each, width]));
    await write(q, randomFloats(q.size, 1, 20 + run));
    const fresh = scope.use(device.createTensor(dtype, [1, each, width]));
    await write(fresh, randomFloats(fresh.size, 1, 40 + run));
    const slots = scope.use(device.createTensor("int64", [1, each, 2]));
    await slots.write(
      BigInt64Array.from(
        { length: 2 * each },
        (_, i) => i % 2 ? BigInt(place * each + (i >> 1)) : 0n,
      ),
    );
    const out = scope.use(device.createTensor(dtype, [1, each, width]));
    await out.write(noNumbers(dtype, out.size) as never);
    binding.input("cache", seen as Tensor).input("slots", slots as Tensor)
      .input("rows", fresh as Tensor).input("q", q as Tensor)
      .output("cache.updated", seen as Tensor).output("mixed", out as Tensor);
    const began = performance.now();
    await session.run(binding);
    const values = await out.read();
    lastMs = performance.now() - began;
    if (run === 0) firstMs = lastMs;
    // The beginning tells: every row sees the whole of what is filled.
    for (const value of values.subarray(0, 8 * width)) mixed.push(value);
  }
  const end = await cache.read();
  return {
    cache: dtype === "float16" ? new Float32Array(end as Float16Array) : end as Float32Array,
    mixed: Float32Array.from(mixed),
    firstMs,
    lastMs,
  };
}

function cacheCheck(dtype: Precision, what: "rows" | "attention"): Check {
  const name = what === "rows"
    ? "ScatterND in place, 5 runs, views of the beginning"
    : "attention over the cache just written";
  return {
    group: "cache in place",
    name,
    dtype,
    async run(bench): Promise<Outcome> {
      const runs = cacheRuns(bench);
      const { device, reference } = bench;
      const { cache, mixed, firstMs, lastMs } = await fillCache(device, runs, dtype);
      const times = { firstMs, steadyMs: lastMs };
      if (what === "attention") {
        const right = await fillCache(reference, runs, "float32");
        const error = shareOf(mixed, right.mixed);
        // Operands are rounded to float16 here, the reference's are not.
        const allowed = dtype === "float16" ? 2 * allowedOf(dtype, device.kind) : 3e-5;
        return { error, allowed, ...times };
      }
      const expected = new Float32Array(cache.length);
      const part = runs.each * runs.width;
      const count = runs.rows / runs.each;
      for (let i = 0; i < count; i++) {
        expected.set(randomFloats(part, 1, 40 + (i === 0 ? count : i)), i * part);
      }
      const rounded = dtype === "float16" ? toFloat32Of(expected) : expected;
      return { error: shareOf(cache, rounded), allowed: 0, ...times };
    },
  };
}

function toFloat32Of(values: Float32Array): Float32Array {
  const { length } = values;
  return toFloat32({ dtype: "float16", shape: [length], data: float32ToFloat16(values) });
}

/** Copies first: where they are wrong, nothing else means anything. */
export const copyChecks: readonly Check[] = [
  ...(["float32", "float16", "int64"] as const).map(copyCheck),
  ...(["rows", "attention"] as const).flatMap((what) =>
    (["float32", "float16"] as const).map((dtype) => cacheCheck(dtype, what))
  ),
];
