import { assertEquals, assertThrows } from "@std/assert";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  add,
  fill,
  gather,
  Graph,
  l2Normalization,
  largestMagnitude,
  linear,
  mul,
  Scope,
  slice,
  writeModel,
} from "../../../engine/onnx/mod.ts";
import type { DType } from "../../../engine/tensor/mod.ts";
import { assertClose } from "../../_golden.ts";
import { runGraph } from "../../_run_graph.ts";

/** The length-delimited fields of a message, by number. */
function fields(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, Uint8Array[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited) {
      reader.skip(type);
      continue;
    }
    found.set(field, [...found.get(field) ?? [], reader.bytes()]);
  }
  return found;
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("Graph keeps one parameter a name and refuses another shape", () => {
  const graph = new Graph("g");
  const scope = new Scope(graph).at("blocks", 0);
  const weight = scope.parameter("norm.weight", [4]);
  assertEquals(weight.name, "blocks.0.norm.weight");
  assertEquals(graph.parameter("blocks.0.norm.weight", [4]), weight);
  assertEquals(graph.parameterCount, 4);
  assertThrows(
    () => scope.parameter("norm.weight", [5]),
    TypeError,
    "as float32 [5]: it is float32 [4] already",
  );
  assertThrows(
    () => scope.parameter("w", [2, 3], [5]),
    TypeError,
    "the numbers of elements differ",
  );
});

Deno.test("Graph has parameters and constants of another type than its own where a part asks for them", () => {
  const graph = new Graph("g", "float16");
  const scope = new Scope(graph).at("blocks", 0);
  assertEquals(scope.parameter("q.weight", [4]).dtype, "float16");
  const wide = graph.input("x", "float32", [4]);
  const norm = scope.like(wide).at("norm");
  assertEquals(norm.prefix, "blocks.0.norm.");
  const weight = norm.parameter("weight", [4]);
  assertEquals(weight.dtype, "float32");
  assertEquals(norm.like(wide).parameter("weight", [4]), weight);
  assertThrows(
    () => scope.at("norm").parameter("weight", [4]),
    TypeError,
    "cannot declare parameter blocks.0.norm.weight as float16 [4]: it is float32 [4] already",
  );
  assertEquals(add(wide, 1).dtype, "float32");
  assertEquals(fill(graph, 1, [4]).dtype, "float16");
  assertEquals(fill(graph, 1, [4], "float32").dtype, "float32");
  assertThrows(
    () => add(wide, fill(graph, 1, [4])),
    TypeError,
    "Add: operands must be of one type",
  );
});

Deno.test("Graph refuses values of another graph, doubled names and impossible sizes", () => {
  const [one, two] = [new Graph("one"), new Graph("two")];
  const a = one.input("a", "float32", [2]);
  const b = two.input("b", "float32", [2]);
  assertThrows(() => add(a, b), TypeError, "Add: b float32 [2] belongs to graph two, not to one");
  assertThrows(() => one.input("a", "float32", [2]), TypeError, "cannot name a value a in one");
  assertThrows(() => one.input("c", "float32", [-1]), RangeError, "no size is -1");
  one.output("sum", add(a, a));
  assertThrows(() => one.output("sum", a), TypeError, "cannot add output sum to one");
});

Deno.test("Graph.scalar() refuses what a type has no number near", () => {
  const graph = new Graph("g", "float16");
  const stored = (value: number, dtype?: DType) => graph.constants.get(graph.scalar(value, dtype))!;
  assertEquals([...stored(0.1).data], [0.0999755859375]);
  assertEquals([...stored(-6e-8).data], [-(2 ** -24)]);
  assertEquals([...stored(Infinity).data], [Infinity]);
  assertEquals([...stored(1.5, "bfloat16").data], [0x3fc0]);
  assertEquals([...stored(-7, "int64").data], [-7n]);
  const refused: [number, DType, string][] = [
    [1e-30, "float16", "cannot write 1e-30 as a float16: it would become 0"],
    [1e5, "float16", "cannot write 100000 as a float16: it would become Infinity"],
    [1e-50, "float32", "cannot write 1e-50 as a float32: it would become 0"],
    [-1, "uint8", "cannot write -1 as a uint8: it would become 255"],
    [0.5, "int32", "cannot write 0.5 as a int32: it would become 0"],
  ];
  for (const [value, dtype, message] of refused) {
    assertThrows(() => graph.scalar(value, dtype), RangeError, message);
  }
});

Deno.test("l2Normalization() and largestMagnitude() say so where their least number is none in float16", () => {
  const graph = new Graph("g", "float16");
  const x = graph.input("x", "float16", [2, 3]);
  assertThrows(() => l2Normalization(x, 1), RangeError, "cannot write 1e-12 as a float16");
  assertThrows(() => largestMagnitude(x, 1), RangeError, "cannot write 1e-30 as a float16");
  assertEquals(l2Normalization(x, 1, 1e-4).dims, [2, 3]);
});

Deno.test("Graph shares scalars and lists of integers", () => {
  const graph = new Graph("g");
  assertEquals(graph.scalar(2), graph.scalar(2));
  assertEquals(graph.integers([1, 2]), graph.integers([1, 2]));
  assertEquals(graph.constants.size, 2);
});

Deno.test("writeModel() writes what no node reads last, the latest first", () => {
  // The order in which ONNX Runtime then runs them: each memory is cut as soon as it can be.
  const graph = new Graph("layers");
  let x = graph.input("x", "float32", [4, 2]);
  for (const layer of ["early", "middle", "late"]) {
    x = add(x, x);
    graph.output(`${layer}.next`, slice(x, 0, 3, 4));
  }
  graph.output("y", mul(x, x));
  const [file] = fields(writeModel(graph)).get(7)!;
  const outputs = fields(file!).get(1)!.map((node) =>
    new TextDecoder().decode(fields(node).get(2)![0])
  );
  const sums = outputs.filter((name) => name.startsWith("Add"));
  assertEquals(sums.length, 3);
  assertEquals(outputs, [...sums, "y", "late.next", "middle.next", "early.next"]);
});

Deno.test("writeModel() points at the checkpoint and names what it gives", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", ["rows", 3]);
  graph.output("y", linear(x, graph.parameter("w", [2, 3])));
  const bytes = writeModel(graph, () => ({
    dtype: "float32",
    location: "model.safetensors",
    offset: 4096,
    length: 24,
  }));
  const model = fields(fields(bytes).get(7)![0]!);
  const tensor = fields(model.get(5)![0]!);
  assertEquals(text(tensor.get(8)?.[0]), "w");
  const entries = tensor.get(13)!.map((entry) => {
    const pair = fields(entry);
    return [text(pair.get(1)?.[0]), text(pair.get(2)?.[0])];
  });
  assertEquals(Object.fromEntries(entries), {
    location: "model.safetensors",
    offset: "4096",
    length: "24",
  });
  assertEquals(text(fields(model.get(12)![0]!).get(1)?.[0]), "y");
  assertThrows(() => writeModel(graph), TypeError, "nothing says where they are");
});

Deno.test("writeModel() widens stored parameters, a gathered table only after the gathering", () => {
  const graph = new Graph("g");
  const table = graph.parameter("table", [3, 2]);
  const scale = graph.parameter("scale", [2]);
  const ids = graph.input("ids", "int64", [2]);
  graph.output("y", add(gather(table, ids), scale));
  const stored: Record<string, Float16Array> = {
    table: new Float16Array([0, 1, 10, 11, 20, 21]),
    scale: new Float16Array([0.5, 0.25]),
  };
  const bytes = writeModel(graph, (name) => ({
    dtype: "float16",
    data: new Uint8Array(stored[name]!.buffer),
  }));
  const nodes = fields(fields(bytes).get(7)![0]!).get(1)!.map((node) => {
    const parts = fields(node);
    return [text(parts.get(4)?.[0]), text(parts.get(1)?.[0])];
  });
  assertEquals(nodes, [
    ["Cast", "scale/stored"],
    ["Gather", "table/stored"],
    ["Cast", "Gather_0.out/stored"],
    ["Add", "Gather_0.out"],
  ]);
});

Deno.test("an input can be given out under another name", async () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [2]);
  graph.output("same", x);
  const { same } = await runGraph(graph, { x: new Float32Array([1, 2]) });
  assertClose(same as Float32Array, [1, 2], 0, "same");
});
