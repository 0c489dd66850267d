import { assertEquals, assertThrows } from "@std/assert";
import type { DType } from "../../../engine/tensor/mod.ts";
import { matchParameters, type WeightFile, WeightsError } from "../../../engine/weights/mod.ts";

function fileOf(entries: Record<string, [DType, number[]]>): WeightFile {
  return {
    path: "model.safetensors",
    metadata: new Map(),
    tensors: new Map(
      Object.entries(entries).map(([name, [dtype, shape]], i) => [
        name,
        { dtype, shape, offset: i, length: 1 },
      ]),
    ),
    read: () => Promise.reject(new Error("not read")),
    readInto: () => Promise.reject(new Error("not read")),
  };
}

Deno.test("matchParameters() gives entries by the network's names", () => {
  const file = fileOf({
    "model.a": ["float16", [2]],
    "model.b": ["bfloat16", [3]],
    c: ["int8", []],
  });
  const found = matchParameters(file, [{ name: "b", shape: [3] }, { name: "a", shape: [2] }], {
    prefix: "model.",
  });
  assertEquals([...found].map(([name, entry]) => [name, entry.offset]), [["b", 1], ["a", 0]]);
});

Deno.test("matchParameters() tells every fault in one error", () => {
  const file = fileOf({
    "blocks.0.norm.weight": ["float32", [4]],
    "blocks.0.ffn.0.weight": ["float32", [4, 8]],
    "blocks.0.ffn.0.bias": ["int64", [8]],
    "block.0.q.weight": ["float32", [4, 4]],
    "extra": ["float32", [1]],
  });
  const expected = [
    { name: "blocks.0.norm.weight", shape: [4] },
    { name: "blocks.0.ffn.0.weight", shape: [8, 4] },
    { name: "blocks.0.ffn.0.bias", shape: [8] },
    { name: "blocks.0.q.weight", shape: [4, 4] },
  ];
  const error = assertThrows(() => matchParameters(file, expected), WeightsError);
  assertEquals(
    error.message,
    "cannot use the weights model.safetensors: they do not fit the network's 4 parameters:\n" +
      "  1 missing: blocks.0.q.weight (nearest in the file: block.0.q.weight)\n" +
      "  1 of another shape: blocks.0.ffn.0.weight (expected [8, 4], got [4, 8])\n" +
      "  1 of a type other than float16, bfloat16, float32: blocks.0.ffn.0.bias (int64)\n" +
      "  2 that the network does not know: block.0.q.weight, extra",
  );
});

Deno.test("matchParameters() shows the first of many and counts them", () => {
  const expected = Array.from({ length: 9 }, (_, i) => ({ name: `p${i}`, shape: [1] }));
  assertThrows(
    () => matchParameters(fileOf({}), expected),
    WeightsError,
    "9 missing: p0, p1, p2, p3, …",
  );
});

Deno.test("matchParameters() lets surplus pass only where it may", () => {
  const file = fileOf({ a: ["float32", [1]], b: ["float32", [1]] });
  const expected = [{ name: "a", shape: [1] }];
  assertEquals(matchParameters(file, expected, { allowSurplus: true }).size, 1);
  assertThrows(
    () => matchParameters(file, expected),
    WeightsError,
    "1 that the network does not know: b",
  );
});
