/** A file some of whose weights are made when they are read: in few bits. */

import { bytesOf, formatShape, type HostTensor } from "../tensor/mod.ts";
import { quantizeNamed, type RowsJob } from "./_quantize_job.ts";
import { jobsOf, makeRows } from "./_quantize_pool.ts";
import type { StoredFloat } from "./_quantize_rows.ts";
import { type FewBits, type FewBitsPair, fewBitsShapes, scalesName } from "./quantize.ts";
import { show } from "./_safetensors_header.ts";
import {
  entryOf,
  type WeightEntry,
  type WeightFile,
  WeightsError,
  type WriteMadeOptions,
} from "./weight_file.ts";

const stored: ReadonlySet<string> = new Set<StoredFloat>(["float32", "float16", "bfloat16"]);

/**
 * A file some of whose weights are given in few bits: under its own name uint8 `[out, blocks, block · bits / 8]`, and
 * its scales `[out · blocks]` beside it (`scalesName`). They are made when they are read, one tensor at a time, and
 * have `inPlace: false`; all other tensors stay where they lie.
 *
 * Throws a `WeightsError` for a tensor that is no matrix of float32, float16 or bfloat16, and when one is read that
 * holds something that is not finite, or with scales in float16 something beyond that.
 *
 * @param forms by the names of the tensors
 */
export function quantized(file: WeightFile, forms: ReadonlyMap<string, FewBits>): WeightFile {
  const tensors = new Map<string, WeightEntry>();
  for (const name of forms.keys()) entryOf(file, name);
  for (const [name, entry] of file.tensors) {
    const form = forms.get(name);
    if (!form) {
      tensors.set(name, entry);
      continue;
    }
    const { dtype, shape, offset } = entry;
    if (shape.length !== 2 || !stored.has(dtype)) {
      throw new WeightsError(
        file.path,
        `tensor ${
          show(name)
        } cannot be kept in ${form.bits} bits: expected a matrix of float32, float16 or ` +
          `bfloat16, got ${dtype} ${formatShape(shape)}`,
      );
    }
    const shapes = fewBitsShapes(shape as unknown as [number, number], form);
    const away = { offset, inPlace: false, checked: true } as const;
    const [out, blocks, bytes] = shapes.weight;
    tensors.set(name, {
      ...away,
      dtype: "uint8",
      shape: shapes.weight,
      length: out * blocks * bytes,
    });
    const size = form.scales === "float16" ? 2 : 4;
    const scales = { dtype: form.scales, shape: shapes.scales, length: out * blocks * size };
    tensors.set(scalesName(name), { ...away, ...scales });
  }
  // A weight is read, then its scales, which are made with it and kept until they are asked for.
  let waiting: { readonly owner: string; readonly scales: FewBitsPair["scales"] } | undefined;
  const owners = new Map([...forms.keys()].map((name) => [scalesName(name), name]));
  async function weightOf(name: string, room?: Uint8Array): Promise<FewBitsPair["weight"]> {
    waiting = undefined;
    const { weight, scales } = await make(file, name, forms.get(name)!, room);
    waiting = { owner: name, scales };
    return weight;
  }
  async function scalesOf(owner: string): Promise<FewBitsPair["scales"]> {
    if (waiting?.owner !== owner) await weightOf(owner);
    const { scales } = waiting!;
    waiting = undefined;
    return scales;
  }
  const result: WeightFile = {
    path: file.path,
    metadata: file.metadata,
    tensors,
    async read(name) {
      if (forms.has(name)) return await weightOf(name);
      const owner = owners.get(name);
      return owner === undefined ? await file.read(name) : await scalesOf(owner);
    },
    async readInto(name, target) {
      const owner = owners.get(name);
      if (owner === undefined && !forms.has(name)) return await file.readInto(name, target);
      const { length } = entryOf(result, name);
      if (target.length !== length) {
        throw new RangeError(
          `cannot read tensor ${
            show(name)
          }: expected room for ${length} bytes, got ${target.length}`,
        );
      }
      if (owner === undefined) await weightOf(name, target);
      else target.set(bytesOf(await scalesOf(owner)));
    },
    writeMade: (places, options) => writeRows(file, forms, places, options),
  };
  return result;
}

async function make(
  file: WeightFile,
  name: string,
  form: FewBits,
  room: Uint8Array | undefined,
): Promise<FewBitsPair> {
  const tensor = await file.read(name) as HostTensor<StoredFloat>;
  return quantizeNamed(tensor, form, { path: file.path, name, room });
}

/** Writes the weights that lie in a file as they are stored, each with its scales. */
async function writeRows(
  file: WeightFile,
  forms: ReadonlyMap<string, FewBits>,
  places: ReadonlyMap<string, number>,
  { path: target, ...options }: WriteMadeOptions,
): Promise<Set<string>> {
  const written = new Set<string>();
  const jobs: RowsJob[] = [];
  for (const [name, form] of forms) {
    const weightAt = places.get(name);
    const scalesAt = places.get(scalesName(name));
    const { inPlace, path = file.path, offset, dtype, shape } = entryOf(file, name);
    if (inPlace === false || weightAt === undefined || scalesAt === undefined) continue;
    const [rows, inner] = shape as unknown as [number, number];
    const matrix = { name, form, path, offset, rows, inner, weightAt, scalesAt };
    jobs.push(...jobsOf({ ...matrix, dtype: dtype as StoredFloat }));
    written.add(name).add(scalesName(name));
  }
  if (jobs.length > 0) await makeRows(jobs, { ...options, path: file.path, target });
  return written;
}
