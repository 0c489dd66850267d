/** Tensors of tests/golden, and how far two tensors are apart. */

import { assert } from "@std/assert";
import type { Umt5Config } from "../engine/networks/mod.ts";
import { toFloat32 } from "../engine/tensor/mod.ts";
import { openSafetensors, parameters, type WeightFile } from "../engine/weights/mod.ts";

/** Sizes of umt5_encoder.safetensors. */
export const umt5Sizes: Umt5Config = {
  vocab: 200,
  dim: 32,
  dimAttn: 32,
  dimFfn: 64,
  numHeads: 4,
  numLayers: 3,
  numBuckets: 32,
  textLen: 16,
};

/** A golden file. */
export class Golden {
  private constructor(readonly file: WeightFile) {}

  static async open(name: string): Promise<Golden> {
    const url = new URL(`golden/${name}.safetensors`, import.meta.url);
    return new Golden(await openSafetensors(decodeURIComponent(url.pathname)));
  }

  /** Its weights, under the checkpoint's names. */
  get weights(): WeightFile {
    return parameters(this.file, "weights.");
  }

  async floats(name: string): Promise<Float32Array> {
    return toFloat32(await this.file.read(name));
  }

  async integers(name: string): Promise<BigInt64Array> {
    return (await this.file.read(name)).data as BigInt64Array;
  }

  shape(name: string): readonly number[] {
    return this.file.tensors.get(name)!.shape;
  }

  /** Part `index` of a tensor that consists of `count` equal ones. */
  async part(name: string, index: number, count: number): Promise<Float32Array> {
    const all = await this.floats(name);
    const size = all.length / count;
    return all.slice(index * size, (index + 1) * size);
  }
}

/** The largest absolute difference; infinite where one is no number. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert(
    actual.length === expected.length,
    `expected ${expected.length} elements, got ${actual.length}`,
  );
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    worst = apart <= worst ? worst : Number.isNaN(apart) ? Infinity : apart;
  }
  return worst;
}

/** Fails where two tensors are further apart than `tolerance`. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const apart = distance(actual, expected);
  assert(apart <= tolerance, `${what}: expected at most ${tolerance} apart, got ${apart}`);
}
