import { assertEquals, assertThrows } from "@std/assert";
import {
  arrayOf,
  bytesPer,
  dtypeOfOnnx,
  dtypes,
  isDType,
  isFloat,
  onnxTypeOf,
} from "../../../engine/tensor/mod.ts";

Deno.test("onnxTypeOf() gives the numbers of onnx.proto and dtypeOfOnnx() reads them back", () => {
  const expected = {
    float32: 1,
    uint8: 2,
    int8: 3,
    uint16: 4,
    int16: 5,
    int32: 6,
    int64: 7,
    bool: 9,
    float16: 10,
    float64: 11,
    uint32: 12,
    uint64: 13,
    bfloat16: 16,
  };
  assertEquals(Object.fromEntries(dtypes.map((dtype) => [dtype, onnxTypeOf(dtype)])), expected);
  for (const dtype of dtypes) assertEquals(dtypeOfOnnx(onnxTypeOf(dtype)), dtype);
  assertThrows(() => dtypeOfOnnx(8), RangeError, "cannot name ONNX element type 8");
});

Deno.test("bytesPer() is the size of an element", () => {
  assertEquals(dtypes.filter((d) => bytesPer(d) === 8), ["float64", "int64", "uint64"]);
  assertEquals(dtypes.filter((d) => bytesPer(d) === 1), ["int8", "uint8", "bool"]);
  assertEquals(bytesPer("float16"), 2);
  assertEquals(bytesPer("bfloat16"), 2);
  assertEquals(bytesPer("float32"), 4);
  assertEquals(dtypes.filter(isFloat), ["float64", "float32", "float16", "bfloat16"]);
});

Deno.test("isDType() knows names and no properties of objects", () => {
  assertEquals(isDType("float16"), true);
  for (const name of ["F16", "toString", "__proto__", ""]) assertEquals(isDType(name), false);
});

Deno.test("arrayOf() gives typed arrays", () => {
  assertEquals(arrayOf("float16"), Float16Array as unknown);
  assertEquals(new (arrayOf("bool"))(3), new Uint8Array(3));
  assertEquals(new (arrayOf("int64"))(2), new BigInt64Array(2));
});
