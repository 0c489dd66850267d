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
import { checkFinite } from "./finite.ts";
import { entryOf, type WeightEntry, type WeightFile } from "./weight_file.ts";

/** A LoRA and how much of it. */
export interface Lora {
  readonly file: WeightFile;
  /** 1 as it was trained, 0 not at all; any finite number. */
  readonly scale: number;
}

/**
 * A file of weights with LoRAs merged into it: sums are made in float32 when a tensor is read, and rounded once to
 * the stored type. Tensors that no LoRA changes stay where they lie; the others have `inPlace: false`.
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
      differences.has(name) ? { ...entry, inPlace: false } : entry,
    ]),
  );
  async function read(name: string): Promise<HostTensor> {
    const tensor = await base.read(name);
    const added = differences.get(name);
    if (!added) return tensor;
    const sum = new Float32Array(toFloat32(tensor));
    for (const difference of added) await addTo(sum, tensor.shape, difference);
    return rounded(tensor, sum);
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

/** sum [out, in] += factor · up [out, rank] · down [rank, in], four ranks at a time. */
function addProduct(
  sum: Float32Array,
  up: Float32Array,
  down: Float32Array,
  out: number,
  factor: number,
): void {
  const width = sum.length / out;
  const rank = up.length / out;
  for (let row = 0; row < out; row++) {
    const target = sum.subarray(row * width, (row + 1) * width);
    for (let r = 0; r < rank; r += 4) {
      const at = row * rank + r;
      const left = Math.min(4, rank - r);
      const a = factor * up[at]!;
      const b = left > 1 ? factor * up[at + 1]! : 0;
      const c = left > 2 ? factor * up[at + 2]! : 0;
      const d = left > 3 ? factor * up[at + 3]! : 0;
      const first = down.subarray(r * width, (r + 1) * width);
      const line = (i: number) =>
        i < left ? down.subarray((r + i) * width, (r + i + 1) * width) : first;
      const [second, third, fourth] = [line(1), line(2), line(3)];
      for (let i = 0; i < width; i++) {
        target[i]! += a * first[i]! + b * second[i]! + c * third[i]! + d * fourth[i]!;
      }
    }
  }
}

function rounded({ dtype, shape }: HostTensor, sum: Float32Array): HostTensor {
  if (dtype === "float16") return { dtype, shape, data: float32ToFloat16(sum) };
  if (dtype === "bfloat16") return { dtype, shape, data: float32ToBfloat16(sum) };
  return { dtype: "float32", shape, data: sum };
}
