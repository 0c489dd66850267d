/** Noise that is made a little at a time. */

/** Values of noise that are being made. */
export interface Draft {
  /** Makes some of them, in about a millisecond; tells whether any are left to be made. */
  advance(): boolean;
  /** All of them: makes those that are left. */
  finish(): Float32Array;
}

/** A draw from a source: the values from `begin` up to `end`, counted from 0, to be made. */
export type Draw = (begin: number, end: number) => Draft;
