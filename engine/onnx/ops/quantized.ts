/** Products with weights that are kept in few bits. */

import type { Value } from "../graph.ts";
import { fail } from "./_check.ts";

/** How the weights of a product are kept. */
export interface NBits {
  /** Bits of one weight. */
  readonly bits: 4 | 8;
  /** Weights along the inner axis that share a scale: a power of two, at least 16. */
  readonly block: number;
  /**
   * What the runtime may round `x` to on its way: 0 (default) leaves it as it is, 4 allows 8-bit integers, which
   * is faster where the processor multiplies those (CPU, WebGPU) and less exact. CUDA does not look at it.
   */
  readonly accuracyLevel?: 0 | 4;
  /** Zero points in whole numbers, as `w`'s rows are packed; 2^(bits − 1) everywhere where left out. */
  readonly zeroPoints?: Value;
}

/**
 * x · wᵀ for weights in 4 or 8 bits (com.microsoft MatMulNBits): (w − zero point) · scale, scales by blocks along the
 * inner axis. The sums are those of a plain product with the weights so widened; what differs is accuracy level 4.
 *
 * Kernels of ONNX Runtime 1.30 (contrib_ops/{cpu,cuda,webgpu}/quantization/matmul_nbits.cc): CPU, CUDA and WebGPU take
 * 4 and 8 bits with x and scales in float32 or float16.
 *
 * @param x `[rows, in]`
 * @param w uint8 `[out, blocks, block · bits / 8]`, blocks = ⌈in / block⌉; of two 4-bit weights in a byte the
 * first is in the low half
 * @param scales `[out · blocks]`, in x's type
 * @returns `[rows, out]`
 */
export function linearNBits(x: Value, w: Value, scales: Value, options: NBits): Value {
  const operator = "MatMulNBits";
  const { bits, block, accuracyLevel = 0, zeroPoints } = options;
  const [rows, inner] = x.dims;
  const [out, blocks, bytes] = w.dims;
  if (bits !== 4 && bits !== 8) fail(operator, `expected 4 or 8 bits, got ${bits}`, [w]);
  if (!(block >= 16 && Number.isInteger(Math.log2(block)))) {
    fail(operator, `expected a block of a power of two from 16, got ${block}`, [w]);
  }
  if (x.rank !== 2 || typeof inner !== "number" || !["float32", "float16"].includes(x.dtype)) {
    fail(operator, "expected x [rows, in] in float32 or float16, in known", [x]);
  }
  const count = Math.ceil((inner as number) / block);
  if (
    w.dtype !== "uint8" || w.rank !== 3 || typeof out !== "number" || blocks !== count ||
    bytes !== block * bits / 8
  ) {
    fail(operator, `expected w uint8 [out, ${count}, ${block * bits / 8}] for this x`, [x, w]);
  }
  if (scales.dtype !== x.dtype || scales.rank !== 1 || scales.dims[0] !== (out as number) * count) {
    fail(operator, `expected scales [${(out as number) * count}] in x's type`, [x, w, scales]);
  }
  const points = (out as number) * Math.ceil(count * bits / 8);
  if (
    zeroPoints &&
    (zeroPoints.dtype !== "uint8" || zeroPoints.rank !== 1 || zeroPoints.dims[0] !== points)
  ) {
    fail(operator, `expected zero points uint8 [${points}]`, [w, zeroPoints]);
  }
  const inputs = zeroPoints ? [x, w, scales, zeroPoints] : [x, w, scales];
  return x.graph.node(operator, inputs, [{ dtype: x.dtype, dims: [rows!, out!] }], {
    domain: "com.microsoft",
    attributes: {
      K: inner as number,
      N: out as number,
      bits,
      block_size: block,
      accuracy_level: accuracyLevel,
    },
  })[0]!;
}
