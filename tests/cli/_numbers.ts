/** Numbers for a network's inputs, the same in every process. */
export function fill(
  name: string,
  dtype: string,
  shape: readonly number[],
): Float32Array | BigInt64Array {
  const count = shape.reduce((a, b) => a * b, 1);
  if (name === "slots") { // (0, row) of each token
    return BigInt64Array.from({ length: count }, (_, i) => i % 2 === 0 ? 0n : BigInt(i >> 1));
  }
  if (name === "mask") return BigInt64Array.from({ length: count }, (_, i) => i < 12 ? 1n : 0n);
  if (dtype === "int64") return BigInt64Array.from({ length: count }, (_, i) => BigInt(i % 50));
  const at = name.length;
  return Float32Array.from({ length: count }, (_, i) => Math.sin(at + i * 0.7) / 2);
}
