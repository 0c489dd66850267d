/**
 * Conversion between float32 and the two 16-bit floats, exact or rounded to nearest, ties to even.
 */

import { isFloat } from "./dtype.ts";
import type { HostTensor } from "./host_tensor.ts";

let widened: Float32Array | undefined;

/** Value of every float16 by its bits: reading a table is several times faster than converting. */
function widenedFloat16(): Float32Array {
  if (widened === undefined) {
    const bits = new Uint16Array(65536);
    for (let i = 0; i < bits.length; i++) bits[i] = i;
    widened = new Float32Array(new Float16Array(bits.buffer));
  }
  return widened;
}

/** float16 values as float32; exact, also for denormals, infinities and NaN. */
export function float16ToFloat32(values: Float16Array): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  const bits = new Uint16Array(values.buffer, values.byteOffset, values.length);
  const table = widenedFloat16();
  for (let i = 0; i < bits.length; i++) result[i] = table[bits[i]!]!;
  return result;
}

/** float32 values as float16: nearest, ties to even; beyond 65519.99… it becomes an infinity. */
export function float32ToFloat16(values: Float32Array): Float16Array<ArrayBuffer> {
  const result = new Float16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = values[i]!;
  return result;
}

/** bfloat16 bits as float32: exact, bit for bit. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const result = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = bits[i]! << 16;
  return new Float32Array(result.buffer);
}

/** float32 values as bfloat16 bits: nearest, ties to even; a NaN stays one and becomes quiet. */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const wide = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let i = 0; i < wide.length; i++) {
    const bits = wide[i]!;
    // Rounding may carry into the exponent, which is right for numbers and would make a NaN
    // something else.
    result[i] = (bits & 0x7fffffff) > 0x7f800000
      ? (bits >>> 16) | 0x40
      : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
  return result;
}

/**
 * The values of a floating-point tensor as float32; float32 itself is given as it is, not copied.
 * float64 is rounded. Throws a TypeError for other types.
 */
export function toFloat32(tensor: HostTensor): Float32Array {
  const { dtype, data } = tensor;
  if (!isFloat(dtype)) {
    throw new TypeError(`cannot read a tensor as float32: expected a float type, got ${dtype}`);
  }
  if (dtype === "float32") return data as Float32Array;
  if (dtype === "float16") return float16ToFloat32(data as Float16Array);
  if (dtype === "bfloat16") return bfloat16ToFloat32(data as Uint16Array);
  return new Float32Array(data as Float64Array);
}
