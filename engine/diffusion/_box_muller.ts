/**
 * Logarithm, sine and cosine made of additions, multiplications and divisions alone. The language
 * leaves `Math.log` and `Math.sin` to the implementation; these give the same bits wherever IEEE
 * 754 holds. They are within 1e-11 of the true value, far below the half step of the float32 that
 * results are rounded to. No branch depends on the random value, for a mispredicted one costs as
 * much as the whole series.
 */

const powers = Float64Array.from({ length: 31 }, (_, i) => 2 ** i);

/** Natural logarithm of a number above 0, up to 1. */
export function logOf(value: number): number {
  if (value < 2 ** -29) return logOf(value * 2 ** 29) - 29 * Math.LN2;
  // The power of two that brings the value between √½ and √2.
  const shift = Math.clz32(value * (2 ** 29 * Math.SQRT2)) - 2;
  const mantissa = value * powers[shift]!;
  const s = (mantissa - 1) / (mantissa + 1);
  const q = s * s;
  const series = q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q / 13)))));
  return 2 * (s + s * series) - shift * Math.LN2;
}

/** Sine of an angle from 0 to 2π: the Taylor series of −sin(angle − π). */
export function sinOf(angle: number): number {
  const y = angle - Math.PI;
  const q = y * y;
  const high = f13 - q * (f15 - q * (f17 - q * (f19 - q * (f21 - q * f23))));
  return y * (q * (f3 - q * (f5 - q * (f7 - q * (f9 - q * (f11 - q * high))))) - 1);
}

/** Cosine of an angle from 0 to 2π: the Taylor series of −cos(angle − π). */
export function cosOf(angle: number): number {
  const y = angle - Math.PI;
  const q = y * y;
  const high = f12 - q * (f14 - q * (f16 - q * (f18 - q * (f20 - q * (f22 - q * f24)))));
  return q * (f2 - q * (f4 - q * (f6 - q * (f8 - q * (f10 - q * high))))) - 1;
}

/** Inverse factorials. */
const f2 = 1 / 2;
const f3 = f2 / 3;
const f4 = f3 / 4;
const f5 = f4 / 5;
const f6 = f5 / 6;
const f7 = f6 / 7;
const f8 = f7 / 8;
const f9 = f8 / 9;
const f10 = f9 / 10;
const f11 = f10 / 11;
const f12 = f11 / 12;
const f13 = f12 / 13;
const f14 = f13 / 14;
const f15 = f14 / 15;
const f16 = f15 / 16;
const f17 = f16 / 17;
const f18 = f17 / 18;
const f19 = f18 / 19;
const f20 = f19 / 20;
const f21 = f20 / 21;
const f22 = f21 / 22;
const f23 = f22 / 23;
const f24 = f23 / 24;
