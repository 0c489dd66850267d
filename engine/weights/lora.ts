/**
 * LoRA: differences of low rank that are added to a network's weights when it is loaded.
 *
 * W' = W + scale · (alpha / rank) · up · down, and differences that are there whole: W' = W + scale · diff
 * (Hu et al., arXiv 2106.09685, section 4.1; alpha as kohya's and PEFT's files give it, the rank where they do not).
 */

import {
  bytesOf,
  float32ToBfloat16,
  float32ToFloat16,
  type HostTensor,
  type Shape,
  toFloat32,
} from "../tensor/mod.ts";
import { type Difference, readLora } from "./_lora_file.ts";
import { LoraModules } from "./_lora_names.ts";
import { show } from "./_safetensors_header.ts";
import { checkFinite, checkRead } from "./finite.ts";
import { entryOf, type WeightEntry, type WeightFile } from "./weight_file.ts";

/** A LoRA and how much of it. */
export interface Lora {
  /** The opened file, in a key style of diffusers, PEFT or kohya. */
  readonly file: WeightFile;
  /** 1 as it was trained, 0 not at all; any finite number. */
  readonly scale: number;
}

/**
 * A file of weights with LoRAs merged into it: sums are made in float32 or better when a tensor is read, and
 * rounded to the stored type. Tensors that no LoRA changes stay where they lie; the others have `inPlace: false`,
 * and reading one that is not finite throws.
 *
 * Throws a `WeightsError` that names the LoRA and the tensors in it that do not fit the network, hold something
 * that is not finite, or are of a kind that is not known.
 */
export async function mergeLoras(base: WeightFile, loras: readonly Lora[]): Promise<WeightFile> {
  const modules = new LoraModules(base.tensors.keys());
  const differences = new Map<string, Difference[]>();
  for (const { file, scale } of loras) {
    if (!Number.isFinite(scale)) {
      throw new RangeError(`cannot merge ${file.path}: expected a finite scale, got ${scale}`);
    }
    const found = await readLora(base, modules, file, scale);
    await checkFinite(file);
    if (scale === 0) continue;
    for (const [name, difference] of found) {
      const list = differences.get(name);
      if (list) list.push(difference);
      else differences.set(name, [difference]);
    }
  }
  if (differences.size === 0) return base;
  const tensors = new Map<string, WeightEntry>(
    [...base.tensors].map(([name, entry]) => [
      name,
      differences.has(name) ? { ...entry, inPlace: false, checked: true } : entry,
    ]),
  );
  async function read(name: string): Promise<HostTensor> {
    const tensor = await base.read(name);
    const added = differences.get(name);
    if (!added) return tensor;
    const sum = toFloat32(tensor); // What was read is nobody else's: it may be added to.
    for (const difference of added) await addTo(sum, tensor.shape, difference);
    const merged = rounded(tensor, sum);
    checkRead(base, name, bytesOf(merged));
    return merged;
  }
  return {
    path: base.path,
    metadata: base.metadata,
    tensors,
    read,
    async readInto(name, target) {
      if (!differences.has(name)) return await base.readInto(name, target);
      const { length } = entryOf(base, name);
      if (target.length !== length) {
        throw new RangeError(
          `cannot read tensor ${
            show(name)
          }: expected room for ${length} bytes, got ${target.length}`,
        );
      }
      target.set(bytesOf(await read(name)));
    },
  };
}

async function addTo(sum: Float32Array, shape: Shape, difference: Difference): Promise<void> {
  const { file, factor, whole } = difference;
  if (whole !== undefined) {
    const added = toFloat32(await file.read(whole));
    for (let i = 0; i < sum.length; i++) sum[i]! += factor * added[i]!;
    return;
  }
  const up = toFloat32(await file.read(difference.up!));
  const down = toFloat32(await file.read(difference.down!));
  addProduct(sum, up, down, shape[0]!, factor);
}

/**
 * sum [out, in] += factor · up [out, rank] · down [rank, in], in double precision, rounded once. Two rows and four
 * ranks at a time, which is about three times as fast as one row and one rank.
 */
function addProduct(
  sum: Float32Array,
  up: Float32Array,
  down: Float32Array,
  out: number,
  factor: number,
): void {
  const width = sum.length / out;
  const rank = up.length / out;
  const ranks = Math.ceil(rank / 4) * 4;
  const wide = new Float64Array(ranks * width);
  wide.set(down);
  const factors = [new Float64Array(ranks), new Float64Array(ranks)] as const;
  const rows = [new Float64Array(width), new Float64Array(width)] as const;
  for (let row = 0; row < out; row += 2) {
    const count = Math.min(2, out - row);
    for (let i = 0; i < count; i++) {
      rows[i]!.set(sum.subarray((row + i) * width, (row + i + 1) * width));
      for (let r = 0; r < rank; r++) factors[i]![r] = factor * up[(row + i) * rank + r]!;
    }
    for (let r = 0; r < ranks; r += 4) addRanks(rows, factors, wide, width, r);
    for (let i = 0; i < count; i++) sum.set(rows[i]!, (row + i) * width);
  }
}

function addRanks(
  [first, second]: readonly [Float64Array, Float64Array],
  [f, g]: readonly [Float64Array, Float64Array],
  down: Float64Array,
  width: number,
  rank: number,
): void {
  const [f0, f1, f2, f3] = [f[rank]!, f[rank + 1]!, f[rank + 2]!, f[rank + 3]!];
  const [g0, g1, g2, g3] = [g[rank]!, g[rank + 1]!, g[rank + 2]!, g[rank + 3]!];
  const a = rank * width;
  const b = a + width;
  const c = b + width;
  const d = c + width;
  for (let i = 0; i < width; i++) {
    const x = down[a + i]!;
    const y = down[b + i]!;
    const z = down[c + i]!;
    const w = down[d + i]!;
    first[i]! += f0 * x + f1 * y + f2 * z + f3 * w;
    second[i]! += g0 * x + g1 * y + g2 * z + g3 * w;
  }
}

function rounded({ dtype, shape }: HostTensor, sum: Float32Array): HostTensor {
  if (dtype === "float16") return { dtype, shape, data: float32ToFloat16(sum) };
  if (dtype === "bfloat16") return { dtype, shape, data: float32ToBfloat16(sum) };
  return { dtype: "float32", shape, data: sum };
}
