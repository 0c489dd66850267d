/** The counter-based generator that GPUs draw with. */

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
