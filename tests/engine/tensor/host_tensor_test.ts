import { assertEquals, assertThrows } from "@std/assert";
import { bytesOf, type DType, hostTensor, viewBytes, zeros } from "../../../engine/tensor/mod.ts";

Deno.test("hostTensor() checks type and number of elements", () => {
  assertEquals(hostTensor("int8", [2, 1], new Int8Array([1, 2])).data[1], 2);
  assertThrows(
    () => hostTensor("float32", [2, 2], new Float32Array(3)),
    TypeError,
    "cannot make a tensor of shape [2, 2]: expected 4 elements, got 3",
  );
  assertThrows(
    () => hostTensor("float16" as DType, [1], new Uint16Array(1)),
    TypeError,
    "cannot make a float16 tensor: expected Float16Array, got Uint16Array",
  );
});

Deno.test("zeros() fills the shape", () => {
  assertEquals(zeros("int64", [2]).data, new BigInt64Array(2));
  assertEquals(zeros("float32", []).data, new Float32Array(1));
});

Deno.test("bytesOf() sees the tensor's own memory, within its bounds", () => {
  const data = new Float32Array(4).subarray(1, 3);
  const bytes = bytesOf(hostTensor("float32", [2], data));
  assertEquals(bytes.length, 8);
  bytes[7] = 0x40;
  assertEquals([...data], [0, 2]);
});

Deno.test("viewBytes() shares aligned bytes, copies others, refuses broken elements", () => {
  const bytes = new Uint8Array([9, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f]);
  assertEquals([...viewBytes("float32", bytes.subarray(1, 5))], [1]);
  assertEquals(viewBytes("float32", bytes.subarray(1, 5)).buffer === bytes.buffer, false);
  assertEquals(viewBytes("uint16", bytes.subarray(2, 4)).buffer === bytes.buffer, true);
  assertThrows(
    () => viewBytes("float32", bytes),
    TypeError,
    "cannot view 9 bytes as float32: expected a multiple of 4",
  );
});
