/** Normal noise as `torch.randn` draws it on a CUDA device. */

import type { Draw } from "./draft.ts";
import { PhiloxDraft, unroll } from "./_philox_draft.ts";

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
    return this.#draw(count)(0, count).finish();
  }

  /** The next draw, any part of which may be made whenever it is wanted: the values are those of `normal`. */
  draw(count: number): Draw {
    return this.#draw(count);
  }

  #draw(count: number): (begin: number, end: number) => PhiloxDraft {
    const threads = blockThreads * Math.min(this.#gridLimit, Math.ceil(count / blockThreads));
    const key = [this.#low, this.#high] as const;
    const position = this.#calls;
    if (count > 0) this.#calls += Math.ceil(count / (threads * unroll));
    return (begin, end) => new PhiloxDraft({ key, position, threads, begin, end });
  }
}
