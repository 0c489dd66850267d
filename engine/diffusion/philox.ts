/** Normal noise as `torch.randn` draws it on a CUDA device. */

import { cosOf, logOf, sinOf } from "./_box_muller.ts";

/** How many threads a GPU's random kernel runs at most; the order of long draws depends on it. */
export interface PhiloxLayout {
  /** Streaming multiprocessors. */
  readonly multiprocessors: number;
  /** Threads that one of them holds at a time (2048, or 1536 on consumer GPUs of 2020 and later). */
  readonly threadsPerMultiprocessor: number;
}

/** NVIDIA H100 SXM, the default; H200 has the same. */
export const h100: PhiloxLayout = Object.freeze({
  multiprocessors: 132,
  threadsPerMultiprocessor: 2048,
});

const blockThreads = 256;
/** Values of one call of the generator: `curand_normal4`. */
const unroll = 4;

/**
 * One Philox4x32-10 block: 128 random bits from a 128-bit counter and a 64-bit key, written to `out`
 * (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(c0, 0xd251, 0x1f53);
    const high1 = highProduct(c2, 0xcd9e, 0x8d57);
    const low0 = Math.imul(c0, 0xd2511f53);
    const low1 = Math.imul(c2, 0xcd9e8d57);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of a 32×32-bit product whose second factor is given in halves. */
function highProduct(x: number, upper: number, lower: number): number {
  const xl = x & 0xffff;
  const xh = x >>> 16;
  const middle = Math.imul(xh, lower) + (Math.imul(xl, lower) >>> 16) >>> 0;
  const carried = Math.imul(xl, upper) + (middle & 0xffff) >>> 0;
  return (Math.imul(xh, upper) + (middle >>> 16) + (carried >>> 16)) | 0;
}

/**
 * The generator of a CUDA device, as PyTorch drives it: thread `i` of the kernel draws from subsequence `i`,
 * four values at a time, and its values lie a whole grid apart; the offset moves on by what one thread drew.
 * (pytorch `aten/src/ATen/native/cuda/DistributionTemplates.h`, `calc_execution_policy` and
 * `distribution_elementwise_grid_stride_kernel`; cuRAND `curand_normal.h`, `_curand_box_muller`.)
 *
 * A draw of more values than the GPU has threads in flight comes in another order on another GPU; below that
 * all GPUs agree. Checked against printed values of an H100, an A100 and others (see the tests); the GPU's
 * own fast sine is off by up to 1e-6, so the last digits differ from a GPU's.
 */
export class PhiloxNoise {
  readonly #low: number;
  readonly #high: number;
  readonly #gridLimit: number;
  /** Calls of the generator that a thread has behind it: PyTorch's offset divided by 4. */
  #calls = 0;

  /** @param seed whole, 0 … 2^53 − 1, or a bigint up to 2^64 − 1 */
  constructor(seed: number | bigint, layout: PhiloxLayout = h100) {
    const bits = BigInt(seed);
    this.#low = Number(bits & 0xffffffffn) | 0;
    this.#high = Number((bits >> 32n) & 0xffffffffn) | 0;
    this.#gridLimit = layout.multiprocessors *
      Math.floor(layout.threadsPerMultiprocessor / blockThreads);
  }

  /** The next draw: `count` values of mean 0 and variance 1. */
  normal(count: number): Float32Array<ArrayBuffer> {
    const result = new Float32Array(count);
    if (count === 0) return result;
    const threads = blockThreads * Math.min(this.#gridLimit, Math.ceil(count / blockThreads));
    const calls = Math.ceil(count / (threads * unroll));
    for (let call = 0; call < calls; call++) {
      drawOnce(result, call * threads * unroll, threads, this.#calls + call, this.#low, this.#high);
    }
    this.#calls += calls;
    return result;
  }
}

/** One call of the generator by every thread of the grid: up to four values each, a grid apart. */
function drawOnce(
  out: Float32Array,
  begin: number,
  threads: number,
  position: number,
  keyLow: number,
  keyHigh: number,
): void {
  const bits = new Uint32Array(4);
  const low = position | 0;
  const high = Math.floor(position / 2 ** 32) | 0;
  const end = Math.min(threads, out.length - begin);
  for (let thread = 0; thread < end; thread++) {
    philox4x32(low, high, thread, 0, keyLow, keyHigh, bits);
    const at = begin + thread;
    writePair(out, at, at + threads, bits[0]!, bits[1]!);
    if (at + 2 * threads < out.length) {
      writePair(out, at + 2 * threads, at + 3 * threads, bits[2]!, bits[3]!);
    }
  }
}

const f = Math.fround;
const angleStep = f(f(2 ** -32) * f(2 * Math.PI));

/** Two normal values from two random words, in float32 steps as the GPU takes them. */
function writePair(out: Float32Array, first: number, second: number, x: number, y: number): void {
  const uniform = f(f(x) * 2 ** -32 + 2 ** -33);
  const angle = f(f(y) * angleStep + angleStep / 2);
  const radius = f(Math.sqrt(f(-2 * f(logOf(uniform)))));
  out[first] = radius * f(sinOf(angle));
  if (second < out.length) out[second] = radius * f(cosOf(angle));
}
