import { assert, assertEquals, assertThrows } from "@std/assert";
import { Graph, linearNBits, type NBits } from "../../../engine/onnx/mod.ts";
import { distance } from "../../_golden.ts";
import type { TensorData } from "../../../engine/tensor/mod.ts";
import { runGraph } from "../../_run_graph.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

/** Whole numbers from 0 to below `limit`, in no order. */
function whole(count: number, limit: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  });
}

/** One in each place of its byte, the first in the low half. */
function packed(values: readonly number[], bits: 4 | 8): Uint8Array {
  if (bits === 8) return Uint8Array.from(values);
  return Uint8Array.from(
    { length: values.length / 2 },
    (_, i) => values[2 * i]! | values[2 * i + 1]! << 4,
  );
}

/** A product whose weights are written out, and what it is to give. */
function example(
  options: Pick<NBits, "bits" | "block" | "accuracyLevel"> & { readonly points?: boolean },
  rows: number,
  inner: number,
  out: number,
) {
  const { bits, block, points } = options;
  const blocks = Math.ceil(inner / block);
  const half = 2 ** (bits - 1);
  const w = whole(out * blocks * block, 2 ** bits, 3);
  const scales = Float32Array.from(whole(out * blocks, 100, 5), (n) => (n - 30) / 2000);
  // Rows of 4-bit zero points begin on whole bytes.
  const width = Math.ceil(blocks * bits / 8) * 8 / bits;
  const zero = whole(out * width, 2 ** bits, 7);
  const x = Float32Array.from(whole(rows * inner, 2001, 9), (n) => n / 1000 - 1);
  const graph = new Graph("product");
  graph.output(
    "y",
    linearNBits(
      graph.input("x", "float32", [rows, inner]),
      graph.constant("uint8", [out, blocks, block * bits / 8], packed(w, bits)),
      graph.constant("float32", [out * blocks], scales),
      {
        ...options,
        ...(points && {
          zeroPoints: graph.constant("uint8", [out * width * bits / 8], packed(zero, bits)),
        }),
      },
    ),
  );
  const expected = Float32Array.from({ length: rows * out }, (_, i) => {
    const [row, column] = [Math.floor(i / out), i % out];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      const b = Math.floor(k / block);
      const point = points ? zero[column * width + b]! : half;
      const weight = w[column * blocks * block + k]! - point;
      sum += x[row * inner + k]! * weight * scales[column * blocks + b]!;
    }
    return sum;
  });
  return { graph, x, expected };
}

/** The largest difference, of the largest value. */
function apart(actual: TensorData | undefined, expected: Float32Array): number {
  return distance(actual as Float32Array, expected) / Math.max(...expected.map(Math.abs));
}

Deno.test("linearNBits() is the product with the widened weights, in 4 and 8 bits, for few and many rows", async () => {
  for (const bits of [4, 8] as const) {
    for (const block of [16, 32, 128]) {
      for (const rows of [1, 40]) {
        const { graph, x, expected } = example({ bits, block }, rows, 128, 24);
        const { y } = await runGraph(graph, { x });
        assert(apart(y, expected) < 1e-6, `${bits} bits, block ${block}, ${rows}`);
      }
    }
  }
});

Deno.test("linearNBits() takes zero points, and an inner axis that ends inside a block", async () => {
  for (const bits of [4, 8] as const) {
    for (const points of [false, true]) {
      const { graph, x, expected } = example({ bits, block: 32, points }, 5, 80, 12);
      const { y } = await runGraph(graph, { x });
      assert(apart(y, expected) < 1e-6, `${bits} bits, points ${points}`);
    }
  }
});

Deno.test("linearNBits() at accuracy level 4 is right to the 8 bits that x may be rounded to", async () => {
  for (const bits of [4, 8] as const) {
    const { graph, x, expected } = example({ bits, block: 32, accuracyLevel: 4 }, 8, 256, 32);
    const { y } = await runGraph(graph, { x });
    assert(apart(y, expected) < 0.02, `${bits} bits`);
  }
});

Deno.test("linearNBits() gives the same on webgpu", async () => {
  if (!await webgpuIsHere()) return;
  for (const bits of [4, 8] as const) {
    for (const rows of [1, 40]) {
      const { graph, x, expected } = example({ bits, block: 32 }, rows, 128, 24);
      const { y } = await runGraph(graph, { x }, { device: "webgpu" });
      assert(apart(y, expected) < 1e-5, `${bits} bits, ${rows} rows`);
    }
  }
});

Deno.test("linearNBits() names what does not fit", () => {
  const graph = new Graph("wrong");
  const x = graph.input("x", "float32", [3, 80]);
  const w = graph.input("w", "uint8", [12, 3, 16]);
  const scales = graph.input("scales", "float32", [36]);
  const options = { bits: 4, block: 32 } as const;
  assertEquals(linearNBits(x, w, scales, options).dims, [3, 12]);
  const wrong = [
    [() => linearNBits(x, w, scales, { bits: 3 as 4, block: 32 }), "expected 4 or 8 bits, got 3"],
    [() => linearNBits(x, w, scales, { bits: 4, block: 24 }), "a power of two from 16, got 24"],
    [() => linearNBits(x, w, scales, { bits: 8, block: 32 }), "expected w uint8 [out, 3, 32]"],
    [() => linearNBits(x, w, graph.input("s", "float32", [35]), options), "expected scales [36]"],
    [() => linearNBits(x, w, graph.input("h", "float16", [36]), options), "in x's type"],
    [() => linearNBits(w, w, scales, options), "expected x [rows, in] in float32 or float16"],
    [
      () => linearNBits(x, w, scales, { ...options, zeroPoints: graph.input("z", "uint8", [12]) }),
      "expected zero points uint8 [24]",
    ],
  ] as const;
  for (const [build, message] of wrong) assertThrows(build, TypeError, message);
});
