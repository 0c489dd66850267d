/** Whether weights are numbers at all. */

import { bytesPer, isFloat, type Shape, stridesOf } from "../tensor/mod.ts";
import { openFile, readFully } from "./_read.ts";
import { entryOf, type WeightEntry, type WeightFile, WeightsError } from "./weight_file.ts";

/** Bytes looked at in one go; a multiple of every element's size. */
const blockBytes = 4 << 20;

/** How many tensors a message names. */
const shown = 4;

/** How weights are looked through. */
export interface FiniteOptions {
  /** Tensors that are to be cast to float16: what is finite in their own type and not there is refused too. */
  readonly inFloat16?: ReadonlySet<string>;
  /** Aborted: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told after each few megabytes how many bytes have been looked through, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Looks through tensors for NaN and infinities; tensors of integers pass, and
 * those that are checked when they are read. Throws a `WeightsError`
 * that names the tensors, and in each the first such element.
 *
 * @param names which tensors; all of the file if left out
 */
export async function checkFinite(
  file: WeightFile,
  names: Iterable<string> = file.tensors.keys(),
  options: FiniteOptions = {},
): Promise<void> {
  using handles = new Handles();
  const block = new Uint8Array(blockBytes);
  const problems: string[] = [];
  const looked = [...names].filter((name) => isLooked(entryOf(file, name)));
  const total = looked.reduce((sum, name) => sum + entryOf(file, name).length, 0);
  let done = 0;
  const tell = (bytes: number) => options.onProgress?.(done += bytes, total);
  for (const name of looked) {
    const problem = await firstProblem(file, handles, name, block, { ...options, tell });
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) throw notFinite(file, problems);
}

/**
 * Looks as `checkFinite` does through a tensor that has been read.
 *
 * @param bytes of the tensor, all of them, in its entry's type
 */
export function checkRead(
  file: WeightFile,
  name: string,
  bytes: Uint8Array,
  { inFloat16 }: Pick<FiniteOptions, "inFloat16"> = {},
): void {
  const { dtype, shape } = entryOf(file, name);
  if (!isFloat(dtype)) return;
  const scan = scannerOf(dtype, inFloat16?.has(name) ?? false);
  const block = new Uint8Array(Math.min(blockBytes, bytes.length));
  for (let done = 0; done < bytes.length; done += blockBytes) {
    const part = bytes.subarray(done, done + blockBytes);
    block.set(part);
    const { at, is } = scan(block.buffer, part.length / bytesPer(dtype));
    if (at < 0) continue;
    const place = indexOf(done / bytesPer(dtype) + at, shape);
    throw notFinite(file, [`"${name}" at [${place}] is ${is}`]);
  }
}

function notFinite(file: WeightFile, problems: readonly string[]): WeightsError {
  const named = problems.slice(0, shown).join(", ");
  const tooLarge = problems.some((problem) => problem.endsWith(beyond));
  return new WeightsError(
    file.path,
    `${problems.length} of its tensors hold values that are not finite${
      tooLarge ? " in float16" : ""
    }: ${named}${problems.length > shown ? ", …" : ""}${
      tooLarge ? "; float32 takes what is beyond it" : ""
    }`,
  );
}

/** Ends a message about what float16 has no number for. */
const beyond = "beyond 65504";

async function firstProblem(
  file: WeightFile,
  handles: Handles,
  name: string,
  block: Uint8Array<ArrayBuffer>,
  { inFloat16, signal, tell }: FiniteOptions & { readonly tell: (bytes: number) => void },
): Promise<string | undefined> {
  const { dtype, shape, path = file.path, offset, length, inPlace } = entryOf(file, name);
  if (!isFloat(dtype)) return;
  let whole: Uint8Array<ArrayBuffer> | undefined;
  if (inPlace === false) {
    signal?.throwIfAborted();
    whole = new Uint8Array(length);
    await file.readInto(name, whole);
  }
  const size = bytesPer(dtype);
  const scan = scannerOf(dtype, inFloat16?.has(name) ?? false);
  for (let done = 0; done < length; done += blockBytes) {
    signal?.throwIfAborted();
    const bytes = block.subarray(0, Math.min(blockBytes, length - done));
    if (whole) bytes.set(whole.subarray(done, done + bytes.length));
    else {
      const handle = await handles.of(path);
      await readFully(handle, path, offset + done, bytes, `tensor "${name}"`);
    }
    const { at, is } = scan(block.buffer, bytes.length / size);
    if (at >= 0) return `"${name}" at [${indexOf(done / size + at, shape)}] is ${is}`;
    tell(bytes.length);
  }
}

/** Whether anybody has to look through a tensor. */
function isLooked({ dtype, checked }: WeightEntry): boolean {
  return isFloat(dtype) && !checked;
}

/** Files that are open while weights are looked through: the last one. */
class Handles implements Disposable {
  #open: { readonly path: string; readonly file: Deno.FsFile } | undefined;

  async of(path: string): Promise<Deno.FsFile> {
    if (this.#open?.path !== path) {
      this[Symbol.dispose]();
      this.#open = { path, file: await openFile(path) };
    }
    return this.#open.file;
  }

  [Symbol.dispose](): void {
    this.#open?.file.close();
    this.#open = undefined;
  }
}

/** What looks through values of a type for the first that is not finite, in it or in float16. */
function scannerOf(dtype: keyof typeof formats, inFloat16: boolean) {
  const format = formats[dtype];
  const limit = inFloat16 ? format.overflow : format.infinity;
  const scan = format.words === 0 ? scanHalves : scanWords;
  return (buffer: ArrayBuffer, count: number): Found => scan(buffer, count, format, limit);
}

interface Found {
  /** Element, or -1. */
  readonly at: number;
  readonly is?: string;
}

/** A type's values by their bits without the sign; of float64 those of the upper half. */
interface Format {
  /** 32-bit words of an element; 0 where two elements share one. */
  readonly words: 0 | 1 | 2;
  readonly infinity: number;
  /** The least that float16 rounds to infinity: 65520, or the next number of the type. */
  readonly overflow: number;
}

const formats: Readonly<Record<"float64" | "float32" | "float16" | "bfloat16", Format>> = {
  float64: { words: 2, infinity: 0x7ff00000, overflow: 0x40effe00 },
  float32: { words: 1, infinity: 0x7f800000, overflow: 0x477ff000 },
  float16: { words: 0, infinity: 0x7c00, overflow: 0x7c00 },
  bfloat16: { words: 0, infinity: 0x7f80, overflow: 0x4780 },
};

function scanWords(buffer: ArrayBuffer, count: number, format: Format, limit: number): Found {
  const { words, infinity } = format;
  const bits = new Uint32Array(buffer, 0, count * words);
  for (let i = words - 1; i < bits.length; i += words) {
    const value = bits[i]! & 0x7fffffff;
    if (value >= limit) {
      const low = words === 2 ? bits[i - 1]! : 0;
      return { at: (i + 1 - words) / words, is: nameOf(value, low, infinity) };
    }
  }
  return { at: -1 };
}

/** Two elements a step. */
function scanHalves(
  buffer: ArrayBuffer,
  count: number,
  { infinity }: Format,
  limit: number,
): Found {
  const upper = limit << 16;
  const pairs = new Int32Array(buffer, 0, count >> 1);
  let i = 0;
  while (i < pairs.length) {
    const pair = pairs[i]!;
    if ((pair & 0x7fff) >= limit || (pair & 0x7fff0000) >= upper) break;
    i++;
  }
  const bits = new Uint16Array(buffer, 0, count);
  for (let at = i * 2; at < Math.min(count, i * 2 + 2); at++) {
    const value = bits[at]! & 0x7fff;
    if (value >= limit) return { at, is: nameOf(value, 0, infinity) };
  }
  return { at: -1 };
}

/** An element is not finite where all bits of its exponent are set; NaN where bits of the fraction are too. */
function nameOf(value: number, low: number, infinity: number): string {
  if (value < infinity) return beyond;
  return value > infinity || low !== 0 ? "NaN" : "infinite";
}

function indexOf(element: number, shape: Shape): string {
  return stridesOf(shape).map((stride, axis) => Math.floor(element / stride) % shape[axis]!)
    .join(", ");
}
