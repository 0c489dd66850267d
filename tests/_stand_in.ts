/** Files with the published names, keys and types, made of random numbers, or of nothing at all where only tables are read. */

import { dict, pickleOf, tensor } from "./engine/weights/_torch.ts";
import type { Graph } from "../engine/onnx/mod.ts";

/** A tensor of a checkpoint. */
export interface StandInTensor {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "float16" | "bfloat16";
}

/** The parameters of graphs that share a file, in a type, under their published names. */
export function tensorsOf(
  graphs: readonly Graph[],
  dtype: StandInTensor["dtype"],
  prefix = "",
): Map<string, StandInTensor> {
  return new Map(
    graphs.flatMap((graph) =>
      [...graph.parameters.values()].map(({ name, shape }) =>
        [prefix + name, { shape, dtype }] as const
      )
    ),
  );
}

const storages = {
  float32: "FloatStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
} as const;

/**
 * Writes a torch checkpoint as torch.save does: one record a tensor, in the zip64 form, data on multiples of 64 bytes.
 *
 * @param groups tensors by the container they are in; `""` for none
 * @param hollow whether the data is left out: the file has its full length and takes no room
 */
export async function writeTorch(
  path: string,
  groups: Readonly<Record<string, ReadonlyMap<string, StandInTensor>>>,
  hollow = false,
): Promise<void> {
  const records: (StandInTensor & { readonly count: number; readonly scale: number })[] = [];
  const described = Object.entries(groups).map(([group, tensors]) => {
    const items = [...tensors].map(([name, { shape, dtype }]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
      const key = `${records.length}`;
      records.push({ shape, dtype, count, scale: scaleOf(name, shape) });
      return [name, tensor({ key, type: storages[dtype], count, shape, strides })] as const;
    });
    return [group, dict(Object.fromEntries(items))] as const;
  });
  const [first] = described;
  const root = described.length === 1 && first![0] === ""
    ? first![1]
    : dict(Object.fromEntries(described));
  const zip = new Zip(await Deno.open(path, { write: true, create: true, truncate: true }));
  const pickle = pickleOf(root);
  await zip.record("archive/data.pkl", pickle.length, pickle);
  let seed = 1;
  for (const [key, { count, dtype, scale }] of records.entries()) {
    const length = count * (dtype === "float32" ? 4 : 2);
    const data = hollow ? undefined : numbers(count, dtype, scale, seed++);
    await zip.record(`archive/data/${key}`, length, data);
  }
  await zip.end();
}

/** Norms multiply by about 1, products keep the size of what they take. */
function scaleOf(name: string, shape: readonly number[]): number {
  if (/norm|gamma/.test(name)) return 0;
  return shape.length > 1 ? shape.slice(1).reduce((a, b) => a * b, 1) ** -0.5 : 0.02;
}

/** Numbers around 0, or ones where `scale` is 0. */
function numbers(count: number, dtype: StandInTensor["dtype"], scale: number, seed: number) {
  let state = seed;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale === 0 ? 1 : (state / 2 ** 31 - 1) * scale * Math.sqrt(3);
  });
  if (dtype === "float32") return new Uint8Array(values.buffer);
  if (dtype === "float16") return new Uint8Array(Float16Array.from(values).buffer);
  const bits = new Uint32Array(values.buffer);
  return new Uint8Array(Uint16Array.from(bits, (each) => each >>> 16).buffer);
}

/** A zip file in the zip64 form, written as it comes. */
class Zip {
  readonly #file: Deno.FsFile;
  readonly #table: Uint8Array[] = [];
  #at = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  async record(name: string, length: number, data: Uint8Array | undefined): Promise<void> {
    const text = new TextEncoder().encode(name);
    const begin = this.#at;
    // Padding in an extra field that readers pass over.
    const pad = 64 - (begin + 30 + text.length + 4) % 64;
    await this.#put(
      packed("422222444 22", 0x04034b50, 45, 0x808, 0, 0, 0, 0, 0, 0, text.length, pad + 4),
    );
    await this.#put(text);
    await this.#put(packed("22", 0x4246, pad));
    await this.#put(new Uint8Array(pad));
    if (data) await this.#put(data);
    else this.#at += length;
    const far = 0xffffffff;
    this.#table.push(
      packed("4222222", 0x02014b50, 45, 45, 0x808, 0, 0, 0),
      packed("4 44 22 222 4 4", 0, far, far, text.length, 28, 0, 0, 0, 0, far),
      text,
      packed("22888", 1, 24, length, length, begin),
    );
  }

  async end(): Promise<void> {
    const begin = this.#at;
    for (const bytes of this.#table) await this.#put(bytes);
    const record = this.#at;
    const count = this.#table.length / 4;
    const sizes = [count, count, record - begin, begin];
    await this.#put(packed("48 22 44 8888", 0x06064b50, 44, 45, 45, 0, 0, ...sizes));
    await this.#put(packed("4484", 0x07064b50, 0, record, 1));
    const far = 0xffffffff;
    await this.#put(packed("4 22 22 44 2", 0x06054b50, 0, 0, 0xffff, 0xffff, far, far, 0));
    this.#file.close();
  }

  async #put(bytes: Uint8Array): Promise<void> {
    await this.#file.seek(this.#at, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += await this.#file.write(bytes.subarray(done));
    this.#at += bytes.length;
  }
}

function packed(layout: string, ...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  return new Uint8Array(
    [...layout.replaceAll(" ", "")].map(Number).flatMap((bytes, i) => {
      view.setBigUint64(0, BigInt(values[i]!), true);
      return Array.from({ length: bytes }, (_, at) => view.getUint8(at));
    }),
  );
}

const names = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/** Writes a safetensors file of random numbers. */
export async function writeRandomSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StandInTensor>,
): Promise<void> {
  await writeHollowSafetensors(path, tensors);
  using file = await Deno.open(path, { write: true });
  const { size } = await file.stat();
  const lengths = [...tensors.values()].map(({ shape, dtype }) =>
    shape.reduce((a, b) => a * b, 1) * (dtype === "float32" ? 4 : 2)
  );
  // Data lies behind the header, in the order of the names.
  await file.seek(size - lengths.reduce((a, b) => a + b, 0), Deno.SeekMode.Start);
  let seed = 1;
  for (const [name, { shape, dtype }] of tensors) {
    const count = shape.reduce((a, b) => a * b, 1);
    const bytes = numbers(count, dtype, scaleOf(name, shape), seed++);
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  }
}

/** A safetensors file of full length that holds nothing but its header. */
export async function writeHollowSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StandInTensor>,
): Promise<void> {
  let at = 0;
  const entries = [...tensors].map(([name, { shape, dtype }]) => {
    const length = shape.reduce((a, b) => a * b, 1) * (dtype === "float32" ? 4 : 2);
    const offsets = [at, at += length];
    return [name, { dtype: names[dtype], shape, data_offsets: offsets }];
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  await Deno.writeFile(path, header);
  await Deno.truncate(path, header.length + at);
}
