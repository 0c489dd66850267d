/** Normal noise as `torch.randn` draws it on a CUDA device. */

import { cosOf, logOf, sinOf } from "./_box_muller.ts";

/** How many threads a GPU's random kernel runs at most; the order of long draws depends on it. */
export interface PhiloxLayout {
  /** Streaming multiprocessors. */
  readonly multiprocessors: number;
  /**
   * Threads that one of them holds at a time (2048, or 1536 on consumer GPUs of 2020 and later).
   */
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

/** The four words of many blocks: word by word, block by block. */
export type PhiloxWords = readonly [x: Uint32Array, y: Uint32Array, z: Uint32Array, w: Uint32Array];

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): 128 random
 * bits from a counter of four words and a key of two, for the counters `c0, c1, first + i, c3`. The
 * first two rounds are taken apart, for half of their products are the same for all of these
 * counters.
 */
export function philox4x32(
  c0: number,
  c1: number,
  first: number,
  c3: number,
  k0: number,
  k1: number,
  [x, y, z, w]: PhiloxWords,
): void {
  const nextK0 = (k0 + weyl0) | 0;
  const nextK1 = (k1 + weyl1) | 0;
  const c2Same = high0(c0) ^ c3 ^ k1;
  const c0Same = high1(c2Same) ^ nextK0;
  const c1Same = Math.imul(c2Same, multiplier1);
  const c3Same = Math.imul(c0, multiplier0) ^ nextK1;
  for (let i = 0; i < x.length; i++) {
    const c2 = (first + i) | 0;
    const after = high1(c2) ^ c1 ^ k0;
    let a = c0Same ^ Math.imul(c2, multiplier1);
    let b = c1Same;
    let c = high0(after) ^ c3Same;
    let d = Math.imul(after, multiplier0);
    let ka = nextK0;
    let kb = nextK1;
    for (let round = 2; round < 10; round++) {
      ka = (ka + weyl0) | 0;
      kb = (kb + weyl1) | 0;
      const upperA = high0(a);
      const upperC = high1(c);
      const lowerA = Math.imul(a, multiplier0);
      a = upperC ^ b ^ ka;
      b = Math.imul(c, multiplier1);
      c = upperA ^ d ^ kb;
      d = lowerA;
    }
    x[i] = a;
    y[i] = b;
    z[i] = c;
    w[i] = d;
  }
}

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/** Upper 32 bits of the 64-bit product with `multiplier0`, from products of halves. */
function high0(x: number): number {
  const xl = x & 0xffff;
  const xh = x >>> 16;
  const middle = (Math.imul(xh, 0x1f53) + (Math.imul(xl, 0x1f53) >>> 16)) | 0;
  const carried = (Math.imul(xl, 0xd251) + (middle & 0xffff)) | 0;
  return (Math.imul(xh, 0xd251) + (middle >>> 16) + (carried >>> 16)) | 0;
}

/** Upper 32 bits of the 64-bit product with `multiplier1`. */
function high1(x: number): number {
  const xl = x & 0xffff;
  const xh = x >>> 16;
  const middle = (Math.imul(xh, 0x8d57) + (Math.imul(xl, 0x8d57) >>> 16)) | 0;
  const carried = (Math.imul(xl, 0xcd9e) + (middle & 0xffff)) | 0;
  return (Math.imul(xh, 0xcd9e) + (middle >>> 16) + (carried >>> 16)) | 0;
}

/**
 * The generator of a CUDA device, as PyTorch drives it: thread `i` of the kernel draws from
 * subsequence `i`, four values at a time, and its values lie a whole grid apart; the offset moves
 * on by what one thread drew. (pytorch `aten/src/ATen/native/cuda/DistributionTemplates.h`,
 * `calc_execution_policy` and `distribution_elementwise_grid_stride_kernel`; cuRAND
 * `curand_normal.h`, `_curand_box_muller`.)
 *
 * A draw of more values than the GPU has threads in flight comes in another order on another GPU;
 * below that all GPUs agree. Checked against printed values of an H100, an A100 and others (see the
 * tests); the GPU's own fast sine is off by up to 1e-6, so the last digits differ from a GPU's.
 */
export class PhiloxNoise {
  readonly #low: number;
  readonly #high: number;
  readonly #gridLimit: number;
  /** Calls of the generator that a thread has behind it: PyTorch's offset divided by 4. */
  #calls = 0;

  /**
   * A generator at its beginning. Throws a RangeError for a GPU that can run no block of threads.
   *
   * @param seed whole, 0 … 2^53 − 1, or a bigint up to 2^64 − 1
   * @param layout of the GPU whose order of values is wanted
   */
  constructor(seed: number | bigint, layout: PhiloxLayout = h100) {
    const bits = BigInt(seed);
    this.#low = Number(bits & 0xffffffffn) | 0;
    this.#high = Number((bits >> 32n) & 0xffffffffn) | 0;
    this.#gridLimit = layout.multiprocessors *
      Math.floor(layout.threadsPerMultiprocessor / blockThreads);
    if (!(this.#gridLimit >= 1 && Number.isSafeInteger(this.#gridLimit))) {
      throw new RangeError(
        `cannot draw as a GPU of ${layout.multiprocessors} multiprocessors with ` +
          `${layout.threadsPerMultiprocessor} threads: expected at least 1 and ${blockThreads}`,
      );
    }
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

/** Threads looked at together; their words stay in the nearest cache. */
const batch = 1024;

/** One call of the generator by every thread of the grid: up to four values each, a grid apart. */
function drawOnce(
  out: Float32Array,
  begin: number,
  threads: number,
  position: number,
  keyLow: number,
  keyHigh: number,
): void {
  const low = position | 0;
  const high = Math.floor(position / 2 ** 32) | 0;
  const end = Math.min(threads, out.length - begin);
  const words = [0, 1, 2, 3].map(() => new Uint32Array(batch)) as unknown as PhiloxWords;
  for (let thread = 0; thread < end; thread += batch) {
    const count = Math.min(batch, end - thread);
    philox4x32(low, high, thread, 0, keyLow, keyHigh, words);
    const at = begin + thread;
    writePairs(out, at, at + threads, count, words[0], words[1]);
    if (at + 2 * threads < out.length) {
      writePairs(out, at + 2 * threads, at + 3 * threads, count, words[2], words[3]);
    }
  }
}

const f = Math.fround;
const angleStep = f(f(2 ** -32) * f(2 * Math.PI));

/**
 * Two normal values from each of `count` pairs of words, in float32 steps as the GPU takes them.
 * What lies beyond the end is dropped.
 */
function writePairs(
  out: Float32Array,
  sines: number,
  cosines: number,
  count: number,
  x: Uint32Array,
  y: Uint32Array,
): void {
  const singles = Math.min(count, out.length - sines);
  const pairs = Math.min(count, out.length - cosines);
  for (let i = 0; i < singles; i++) {
    const uniform = f(f(x[i]!) * 2 ** -32 + 2 ** -33);
    const angle = f(f(y[i]!) * angleStep + angleStep / 2);
    const radius = f(Math.sqrt(f(-2 * f(logOf(uniform)))));
    out[sines + i] = radius * f(sinOf(angle));
    if (i < pairs) out[cosines + i] = radius * f(cosOf(angle));
  }
}
