import { fromFileUrl } from "@std/path";
import { openSafetensors } from "../../../engine/weights/mod.ts";

/** Reads tensors of a file in `tests/golden` as numbers. */
export async function golden(name: string): Promise<(tensor: string) => Promise<Float32Array>> {
  const path = fromFileUrl(new URL(`../../golden/${name}.safetensors`, import.meta.url));
  const file = await openSafetensors(path);
  return async (tensor) =>
    Float32Array.from((await file.read(tensor)).data as Float32Array, Number);
}

/** The largest absolute difference; NaN or another length counts as infinite. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = Math.abs(a[i]! - b[i]!);
    if (!(distance <= largest)) largest = Number.isNaN(distance) ? Infinity : distance;
  }
  return largest;
}
