import { assertEquals, assertThrows } from "@std/assert";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  hostTensor,
  toFloat32,
} from "../../../engine/tensor/mod.ts";

/** Every 16-bit pattern once. */
function allBits(): Uint16Array<ArrayBuffer> {
  return Uint16Array.from({ length: 65536 }, (_, i) => i);
}

Deno.test("float16ToFloat32() reads every value as IEEE 754 defines it, and back", () => {
  const bits = allBits();
  const wide = float16ToFloat32(new Float16Array(bits.buffer));
  for (const b of bits) {
    const sign = b >> 15 ? -1 : 1;
    const exponent = (b >> 10) & 31;
    const fraction = b & 1023;
    const expected = exponent === 31
      ? (fraction ? NaN : sign * Infinity)
      : sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
    if (!Object.is(wide[b], expected)) assertEquals(wide[b], expected, `bits ${b}`);
  }
  const back = new Uint16Array(float32ToFloat16(wide).buffer);
  const finite = bits.filter((b) => (b & 0x7fff) <= 0x7c00);
  assertEquals(finite.map((b) => back[b]!), finite);
});

Deno.test("float32ToFloat16() rounds to nearest, ties to even", () => {
  const values = [
    1 + 2 ** -11, // tie, down to even
    1 + 3 * 2 ** -11, // tie, up to even
    1 + 2 ** -11 + 2 ** -20,
    65519, // still the largest finite
    65520, // tie, to infinity
    2 ** -25, // tie with zero, to even
    3 * 2 ** -25,
    -1e-30,
  ];
  assertEquals(
    [...new Uint16Array(float32ToFloat16(new Float32Array(values)).buffer)],
    [0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0, 2, 0x8000],
  );
});

Deno.test("bfloat16ToFloat32() is exact and float32ToBfloat16() brings every value back", () => {
  const bits = allBits();
  const wide = bfloat16ToFloat32(bits);
  assertEquals(
    new Uint32Array(wide.buffer),
    Uint32Array.from(bits, (b) => b * 65536),
  );
  const back = float32ToBfloat16(wide);
  for (const b of bits) {
    const isNaN = (b & 0x7fff) > 0x7f80;
    if (back[b] !== (isNaN ? b | 0x40 : b)) assertEquals(back[b], b);
  }
});

Deno.test("float32ToBfloat16() rounds to nearest, ties to even, and keeps NaN", () => {
  const bits = new Uint32Array([
    0x3f808000, // tie, down to even
    0x3f818000, // tie, up to even
    0x3f808001,
    0x7f7fffff, // the largest float32 becomes an infinity
    0x7f800001, // a signalling NaN whose upper half alone would be an infinity
    0xffffffff,
    0x00008001, // denormal
    0x80000000,
  ]);
  assertEquals(
    [...float32ToBfloat16(new Float32Array(bits.buffer))],
    [0x3f80, 0x3f82, 0x3f81, 0x7f80, 0x7fc0, 0xffff, 0x0001, 0x8000],
  );
});

Deno.test("toFloat32() reads float types and refuses others", () => {
  const float32 = new Float32Array([1.5]);
  assertEquals(toFloat32(hostTensor("float32", [1], float32)) === float32, true);
  assertEquals(toFloat32(hostTensor("float16", [1], new Float16Array([1.5]))), float32);
  assertEquals(toFloat32(hostTensor("bfloat16", [1], new Uint16Array([0x3fc0]))), float32);
  assertEquals(toFloat32(hostTensor("float64", [1], new Float64Array([1.5]))), float32);
  assertThrows(
    () => toFloat32(hostTensor("int32", [1], new Int32Array(1))),
    TypeError,
    "expected a float type, got int32",
  );
});
