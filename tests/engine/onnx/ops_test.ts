import { assertEquals, assertThrows } from "@std/assert";
import {
  add,
  cast,
  clip,
  composedAttention,
  concat,
  conv,
  convOverTime,
  fill,
  gather,
  gelu,
  Graph,
  l2Normalization,
  largestMagnitude,
  layerNormalization,
  linear,
  matMul,
  mul,
  multiHeadAttention,
  pad,
  relu,
  reshape,
  rmsNormalization,
  rotaryEmbedding,
  round,
  scatterRows,
  sigmoid,
  silu,
  slice,
  softmax,
  split,
  sub,
  tanh,
  transpose,
  upsampleNearest,
  type Value,
} from "../../../engine/onnx/mod.ts";
import { elementCount } from "../../../engine/tensor/mod.ts";
import { assertClose } from "../../_golden.ts";
import { runGraph } from "../../_run_graph.ts";

/** Values that repeat nowhere soon and lie in −1 … 1. */
function ramp(count: number, seed = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * seed));
}

/** Runs one operator on float inputs of the shapes given and returns what comes out. */
async function apply(
  shapes: readonly (readonly number[])[],
  build: (...values: Value[]) => Value,
  data: readonly Float32Array[] = shapes.map((shape, i) => ramp(elementCount(shape), i + 1)),
): Promise<
  { dims: readonly (number | string)[]; data: Float32Array; inputs: readonly Float32Array[] }
> {
  const graph = new Graph("one");
  const values = shapes.map((shape, i) => graph.input(`x${i}`, "float32", shape));
  const out = build(...values);
  graph.output("out", out);
  const inputs = Object.fromEntries(data.map((each, i) => [`x${i}`, each]));
  const result = await runGraph(graph, inputs);
  return { dims: out.dims, data: result.out as Float32Array, inputs: data };
}

Deno.test("elementwise operators compute what their names say", async () => {
  const gaussian = (x: number) =>
    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const cases: [string, (x: Value) => Value, (x: number) => number][] = [
    ["relu", relu, (x) => Math.max(0, x)],
    ["tanh", tanh, Math.tanh],
    ["sigmoid", sigmoid, (x) => 1 / (1 + Math.exp(-x))],
    ["silu", silu, (x) => x / (1 + Math.exp(-x))],
    ["gelu", gelu, gaussian],
    ["clip", (x) => clip(x, -0.25, 0.5), (x) => Math.min(0.5, Math.max(-0.25, x))],
    ["add", (x) => add(x, 3), (x) => x + 3],
    ["sub", (x) => sub(1, x), (x) => 1 - x],
    ["mul", (x) => mul(x, 2.5), (x) => x * 2.5],
  ];
  for (const [name, build, expected] of cases) {
    const { data, inputs } = await apply([[7, 5]], build);
    assertClose(data, inputs[0]!.map(expected), 2e-6, name);
  }
});

Deno.test("round() takes the even neighbour of a half", async () => {
  const { data } = await apply([[4]], round, [new Float32Array([0.5, 1.5, -2.5, 2.4])]);
  assertEquals([...data], [0, 2, -2, 2]);
});

Deno.test("operands are stretched to each other, and refused where they do not fit", async () => {
  const { dims, data, inputs } = await apply([[2, 3], [1, 3]], add);
  assertEquals(dims, [2, 3]);
  assertClose(data, inputs[0]!.map((x, i) => x + inputs[1]![i % 3]!), 1e-7, "add");
  const graph = new Graph("g");
  const a = graph.input("a", "float32", [2, 3]);
  const b = graph.input("b", "float32", [2]);
  assertThrows(
    () => add(a, b),
    TypeError,
    "Add: shapes do not fit each other (a float32 [2, 3]; b float32 [2])",
  );
  const c = graph.input("c", "int64", [3]);
  assertThrows(() => mul(a, c), TypeError, "Mul: operands must be of one type");
});

Deno.test("linear() multiplies by torch's transposed weights", async () => {
  const { dims, data, inputs: [x, w, b] } = await apply([[2, 3], [4, 3], [4]], linear);
  assertEquals(dims, [2, 4]);
  const expected = Array.from({ length: 8 }, (_, i) => {
    const [row, out] = [Math.floor(i / 4), i % 4];
    let sum = b![out]!;
    for (let k = 0; k < 3; k++) sum += x![row * 3 + k]! * w![out * 3 + k]!;
    return sum;
  });
  assertClose(data, expected, 1e-6, "linear");
  const graph = new Graph("g");
  assertThrows(
    () => linear(graph.input("x", "float32", [2, 3]), graph.input("w", "float32", [3, 4])),
    TypeError,
    "Gemm: expected x [rows, in] and w [out, in] (x float32 [2, 3]; w float32 [3, 4])",
  );
});

Deno.test("matMul() multiplies the last two axes", async () => {
  const { dims, data, inputs: [a, b] } = await apply([[2, 2, 3], [3, 1]], matMul);
  assertEquals(dims, [2, 2, 1]);
  const expected = [0, 1, 2, 3].map((row) =>
    [0, 1, 2].reduce((sum, k) => sum + a![row * 3 + k]! * b![k]!, 0)
  );
  assertClose(data, expected, 1e-6, "matMul");
});

Deno.test("norms divide by the deviation and by the root mean square", async () => {
  const layer = await apply([[2, 8], [8], [8]], (x, s, b) => layerNormalization(x, s, b, 1e-6));
  const rms = await apply([[2, 8], [8]], (x, s) => rmsNormalization(x, s, 1e-6));
  for (let row = 0; row < 2; row++) {
    const x = layer.inputs[0]!.subarray(row * 8, row * 8 + 8);
    const mean = x.reduce((sum, each) => sum + each, 0) / 8;
    const deviation = Math.sqrt(x.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 8 + 1e-6);
    const root = Math.sqrt(x.reduce((sum, each) => sum + each ** 2, 0) / 8 + 1e-6);
    const [, scale, bias] = layer.inputs;
    assertClose(
      layer.data.subarray(row * 8, row * 8 + 8),
      x.map((each, i) => (each - mean) / deviation * scale![i]! + bias![i]!),
      2e-6,
      "layer",
    );
    assertClose(
      rms.data.subarray(row * 8, row * 8 + 8),
      x.map((each, i) => each / root * scale![i]!),
      2e-6,
      "rms",
    );
  }
});

Deno.test("fused and composed attention agree, and softmax sums to one", async () => {
  const shapes = [[1, 5, 12], [1, 7, 12], [1, 7, 12]];
  const fused = await apply(shapes, (q, k, v) => multiHeadAttention(q, k, v, 3));
  const composed = await apply(shapes, (q, k, v) => composedAttention(q, k, v, 3));
  assertClose(fused.data, composed.data, 1e-6, "attention");
  const { data } = await apply([[3, 9]], (x) => softmax(x));
  assertClose(
    [0, 9, 18].map((at) => data.subarray(at, at + 9).reduce((a, b) => a + b)),
    [1, 1, 1],
    1e-6,
    "softmax",
  );
});

Deno.test("composedAttention() adds its bias to the scores", async () => {
  const minus = new Float32Array(2 * 3 * 4).fill(0);
  for (let row = 0; row < 6; row++) minus.fill(-1e9, row * 4 + 1, row * 4 + 4);
  const shapes = [[1, 3, 4], [1, 4, 4], [1, 4, 4], [1, 2, 3, 4]];
  const data = [ramp(12), ramp(16, 2), ramp(16, 3), minus];
  const result = await apply(
    shapes,
    (q, k, v, bias) => composedAttention(q, k, v, 2, { bias }),
    data,
  );
  // Only the first key is left, so every query gets the first value.
  for (let row = 0; row < 3; row++) {
    assertClose(
      result.data.subarray(row * 4, row * 4 + 4),
      data[2]!.subarray(0, 4),
      1e-6,
      "masked",
    );
  }
});

Deno.test("rotaryEmbedding() turns interleaved pairs of every head", async () => {
  const angles = ramp(3 * 2, 5);
  const data = [ramp(3 * 8), angles.map(Math.cos), angles.map(Math.sin)];
  const result = await apply(
    [[1, 3, 8], [3, 2], [3, 2]],
    (x, c, s) => rotaryEmbedding(x, c, s, 2),
    data,
  );
  const expected = new Float32Array(24);
  for (let row = 0; row < 3; row++) {
    for (let pair = 0; pair < 4; pair++) {
      const angle = angles[row * 2 + pair % 2]!;
      const [a, b] = [data[0]![row * 8 + pair * 2]!, data[0]![row * 8 + pair * 2 + 1]!];
      expected[row * 8 + pair * 2] = a * Math.cos(angle) - b * Math.sin(angle);
      expected[row * 8 + pair * 2 + 1] = a * Math.sin(angle) + b * Math.cos(angle);
    }
  }
  assertClose(result.data, expected, 1e-6, "rotary");
});

Deno.test("shape operators move elements where numpy would", async () => {
  const x = Float32Array.from({ length: 12 }, (_, i) => i);
  const turned = await apply([[3, 4]], (v) => transpose(v, [1, 0]), [x]);
  assertEquals([turned.dims, [...turned.data]], [[4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]]);
  const folded = await apply([[3, 4]], (v) => reshape(v, [2, -1]), [x]);
  assertEquals([folded.dims, [...folded.data]], [[2, 6], [...x]]);
  const cut = await apply([[3, 4]], (v) => slice(v, 1, 1, 3), [x]);
  assertEquals([cut.dims, [...cut.data]], [[3, 2], [1, 2, 5, 6, 9, 10]]);
  const swapped = await apply([[3, 4]], (v) => concat(split(v, [1, 3], 1).toReversed(), 1), [x]);
  assertEquals([...swapped.data], [1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8]);
  const enlarged = await apply([[1, 1, 1, 2]], (v) => upsampleNearest(v, 2), [x.slice(0, 2)]);
  assertEquals([...enlarged.data], [0, 0, 1, 1, 0, 0, 1, 1]);
});

Deno.test("shape operators refuse what does not fit, by name", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [3, 4]);
  assertThrows(
    () => reshape(x, [5, -1]),
    TypeError,
    "Reshape: the elements do not fit [5, -1] (x float32 [3, 4])",
  );
  assertThrows(() => transpose(x, [0, 0]), TypeError, "Transpose: [0, 0] is no order of its axes");
  assertThrows(() => split(x, [1, 1], 1), TypeError, "Split: sizes [1, 1] do not add up to axis 1");
  assertThrows(() => slice(x, 2, 0, 1), RangeError, "Slice: axis 2 is outside a shape of 2 sizes");
  assertThrows(() => slice(x, 1, 0, 5), TypeError, "Slice: 0 … 5 is outside axis 1");
  const named = graph.input("named", "float32", ["cache", 4]);
  assertThrows(() => reshape(named, [-1]), TypeError, "a size is known by name only");
});

Deno.test("conv() correlates with padding, stride and bias", async () => {
  const { dims, data, inputs: [x, w, b] } = await apply(
    [[1, 2, 5, 5], [3, 2, 3, 3], [3]],
    (x, w, b) => conv(x, w, b, { stride: 2, padding: 1 }),
  );
  assertEquals(dims, [1, 3, 3, 3]);
  const expected = new Float32Array(27);
  for (let o = 0; o < 3; o++) {
    for (let y = 0; y < 3; y++) {
      for (let z = 0; z < 3; z++) {
        let sum = b![o]!;
        for (let c = 0; c < 2; c++) {
          for (let i = 0; i < 3; i++) {
            for (let j = 0; j < 3; j++) {
              const [row, column] = [y * 2 + i - 1, z * 2 + j - 1];
              if (row < 0 || row > 4 || column < 0 || column > 4) continue;
              sum += x![c * 25 + row * 5 + column]! * w![((o * 2 + c) * 3 + i) * 3 + j]!;
            }
          }
        }
        expected[(o * 3 + y) * 3 + z] = sum;
      }
    }
  }
  assertClose(data, expected, 2e-6, "conv");
});

Deno.test("conv() adds zeros to the sides that it is told", async () => {
  const ones = new Float32Array(9).fill(1);
  const { dims, data } = await apply(
    [[1, 1, 2, 4], [1, 1, 3, 3]],
    (x, w) => conv(x, w, undefined, { stride: 2, padding: [0, 0, 1, 1] }),
    [new Float32Array([1, 2, 3, 4, 10, 20, 30, 40]), ones],
  );
  assertEquals([dims, [...data]], [[1, 1, 1, 2], [66, 77]]);
});

Deno.test("convOverTime() is a 3-D convolution, its weights where the checkpoint has them", async () => {
  for (const timeStride of [1, 2]) {
    const count = timeStride === 1 ? 5 : 3;
    const { dims, data, inputs: [x, w, b] } = await apply(
      [[7, 2, 3, 4], [3, 2 * 3, 3, 3], [3]],
      (x, w, b) => convOverTime(x, w, b, { taps: 3, timeStride, padding: 1 }),
    );
    assertEquals(dims, [count, 3, 3, 4]);
    const expected = Float32Array.from({ length: count * 3 * 12 }, (_, at) => {
      const [column, row] = [at % 4, Math.floor(at / 4) % 3];
      const [out, frame] = [Math.floor(at / 12) % 3, Math.floor(at / 36)];
      let sum = b![out]!;
      for (let c = 0; c < 2; c++) {
        for (let k = 0; k < 27; k++) {
          const [t, i, j] = [Math.floor(k / 9), Math.floor(k / 3) % 3, k % 3];
          const [y, z] = [row + i - 1, column + j - 1];
          if (y < 0 || y > 2 || z < 0 || z > 3) continue;
          sum += x![(((frame * timeStride + t) * 2 + c) * 3 + y) * 4 + z]! *
            w![(out * 2 + c) * 27 + k]!;
        }
      }
      return sum;
    });
    assertClose(data, expected, 3e-6, `stride ${timeStride}`);
  }
  const graph = new Graph("g");
  const [x, w] = [
    graph.input("x", "float32", [2, 1, 1, 1]),
    graph.input("w", "float32", [1, 3, 1, 1]),
  ];
  assertThrows(
    () => convOverTime(x, w, undefined, { taps: 3 }),
    TypeError,
    "Conv over time: expected at least 3 pictures (x float32 [2, 1, 1, 1]",
  );
});

Deno.test("pad(), slice() and fill() add zeros, skip and repeat", async () => {
  const x = Float32Array.from({ length: 6 }, (_, i) => i + 1);
  const padded = await apply([[2, 3]], (v) => pad(v, 1, 2, 1), [x]);
  assertEquals([padded.dims, [...padded.data]], [[2, 6], [0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6, 0]]);
  const skipped = await apply([[6]], (v) => slice(v, 0, 1, 6, 2), [x]);
  assertEquals([skipped.dims, [...skipped.data]], [[3], [2, 4, 6]]);
  const raised = await apply([[2, 3]], (v) => add(v, fill(v.graph, 0.5, [2, 3])), [x]);
  assertEquals([...raised.data], [...x].map((value) => value + 0.5));
  const graph = new Graph("g");
  const named = graph.input("named", "float32", ["cache", 4]);
  assertThrows(() => pad(named, 0, 1), TypeError, "Pad: cannot add 1 and 0 to axis 0");
});

Deno.test("l2Normalization() divides by the length along an axis, and zeros stay zeros", async () => {
  const x = new Float32Array([3, 0, 1, 4, 0, -1]);
  const { data } = await apply([[1, 2, 3]], (v) => l2Normalization(v, 1), [x]);
  const half = Math.SQRT1_2;
  assertClose(data, [0.6, 0, half, 0.8, 0, -half], 1e-6, "l2");
});

Deno.test("largestMagnitude() is the largest one along an axis, and never 0", async () => {
  const x = new Float32Array([3, 0, -1, -4, 0, 1]);
  const rows = await apply([[2, 3]], (v) => largestMagnitude(v, 1), [x]);
  assertEquals([...rows.data], [3, 4]);
  const columns = await apply([[2, 3]], (v) => largestMagnitude(v, 0), [x]);
  assertEquals([...columns.data], [4, 1e-30, 1].map(Math.fround));
});

Deno.test("composedAttention() takes softmax in float32 where its operands are float16", () => {
  const graph = new Graph("g", "float16");
  const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, "float16", [1, 3, 4])) as [
    Value,
    Value,
    Value,
  ];
  assertEquals(composedAttention(q, k, v, 2).dtype, "float16");
  const { inputs } = graph.nodes.find(({ operator }) => operator === "Softmax")!;
  assertEquals(inputs[0]!.dtype, "float32");
});

Deno.test("attention keeps the sequences of a batch apart", async () => {
  const shapes = [[2, 3, 4], [2, 5, 4], [2, 5, 4]];
  for (const attend of [multiHeadAttention, composedAttention]) {
    const both = await apply(shapes, (q, k, v) => attend(q, k, v, 1));
    for (const i of [0, 1]) {
      const own = both.inputs.map((all) => all.slice(i * all.length / 2, (i + 1) * all.length / 2));
      const alone = await apply(
        shapes.map(([, rows, width]) => [1, rows!, width!]),
        (q, k, v) => attend(q, k, v, 1),
        own,
      );
      assertClose(both.data.subarray(i * 12, (i + 1) * 12), alone.data, 1e-6, `${i}`);
    }
  }
});

Deno.test("gather(), scatterRows() and cast() look up, replace and convert", async () => {
  const graph = new Graph("g");
  const table = graph.input("table", "float32", [3, 2]);
  const ids = graph.input("ids", "int64", [4]);
  graph.output("rows", gather(table, ids));
  const data = graph.input("data", "float32", [1, 3, 2]);
  const slots = graph.input("slots", "int64", [1, 2, 2]);
  const updates = graph.input("updates", "float32", [1, 2, 2]);
  graph.output("scattered", scatterRows(data, slots, updates));
  graph.output("bytes", cast(updates, "uint8"));
  const { rows, scattered, bytes } = await runGraph(graph, {
    table: new Float32Array([0, 1, 10, 11, 20, 21]),
    ids: new BigInt64Array([2n, 0n, 0n, 1n]),
    data: new Float32Array([1, 1, 2, 2, 3, 3]),
    slots: new BigInt64Array([0n, 2n, 0n, 0n]),
    updates: new Float32Array([7, 8, 9, 10]),
  });
  assertEquals([...rows as Float32Array], [20, 21, 0, 1, 0, 1, 10, 11]);
  assertEquals([...scattered as Float32Array], [9, 10, 2, 2, 7, 8]);
  assertEquals([...bytes as Uint8Array], [7, 8, 9, 10]);
});
