/** Normal noise as `torch.randn` draws it on a CPU. */

import { cosOf, logOf, sinOf } from "./_box_muller.ts";

const size = 624;
const shift = 397;
const f = Math.fround;

/**
 * Mersenne Twister (Matsumoto and Nishimura, 1998), seeded as PyTorch seeds it: by the lower 32
 * bits of the seed alone.
 */
export class Mt19937 {
  readonly #state = new Uint32Array(size);
  #next = size;

  /**
   * A generator at its beginning.
   *
   * @param seed whole, 0 … 2^53 − 1, or a bigint up to 2^64 − 1
   */
  constructor(seed: number | bigint) {
    const state = this.#state;
    state[0] = Number(BigInt(seed) & 0xffffffffn);
    for (let i = 1; i < size; i++) {
      const before = state[i - 1]!;
      state[i] = Math.imul(before ^ (before >>> 30), 1812433253) + i;
    }
  }

  /** 32 random bits. */
  next(): number {
    if (this.#next === size) this.#twist();
    let y = this.#state[this.#next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < size; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
      state[i] = state[(i + shift) % size]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}

/**
 * The generator of PyTorch's CPU device: 16 values and more in blocks of 16 from float32 uniforms,
 * fewer one by one from float64 uniforms, of which the second of a pair waits for the next short
 * draw. (pytorch `aten/src/ATen/native/cpu/DistributionTemplates.h`, `normal_fill`;
 * `aten/src/ATen/core/DistributionsHelper.h`, `normal_distribution`.)
 *
 * Equal to PyTorch 2.15 within 2e-6 (see the tests); PyTorch itself differs by as much between
 * processors, for its vectorised logarithm is another than its plain one.
 */
export class Mt19937Noise {
  readonly #random: Mt19937;
  #waiting: number | undefined;

  /**
   * A generator at its beginning.
   *
   * @param seed whole, 0 … 2^53 − 1; only its lower 32 bits count
   */
  constructor(seed: number | bigint) {
    this.#random = new Mt19937(seed);
  }

  /** The next draw: `count` values of mean 0 and variance 1. */
  normal(count: number): Float32Array<ArrayBuffer> {
    const result = new Float32Array(count);
    if (count < 16) {
      for (let i = 0; i < count; i++) result[i] = this.#single();
      return result;
    }
    this.#fillUniform(result, 0);
    for (let begin = 0; begin + 16 <= count; begin += 16) toNormal(result, begin);
    if (count % 16 !== 0) {
      // The last 16 are drawn anew, over values that are already done.
      this.#fillUniform(result, count - 16);
      toNormal(result, count - 16);
    }
    return result;
  }

  #fillUniform(out: Float32Array, begin: number): void {
    for (let i = begin; i < out.length; i++) out[i] = (this.#random.next() & 0xffffff) * 2 ** -24;
  }

  #single(): number {
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      return waiting;
    }
    const angle = 2 * Math.PI * this.#uniform53();
    const radius = Math.sqrt(-2 * logOf(1 - this.#uniform53()));
    this.#waiting = radius * sinOf(angle);
    return radius * cosOf(angle);
  }

  /** A multiple of 2^-53 in [0, 1). */
  #uniform53(): number {
    const high = this.#random.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#random.next()) * 2 ** -53;
  }
}

/** Turns 16 uniforms into normals in place: the first 8 give the radius, the others the angle. */
function toNormal(values: Float32Array, begin: number): void {
  for (let i = begin; i < begin + 8; i++) {
    const radius = f(Math.sqrt(f(-2 * f(logOf(f(1 - values[i]!))))));
    const angle = f(2 * Math.PI * values[i + 8]!);
    values[i] = radius * f(cosOf(angle));
    values[i + 8] = radius * f(sinOf(angle));
  }
}
