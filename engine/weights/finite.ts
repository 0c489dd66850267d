/** Whether weights are numbers at all. */

import { bytesPer, isFloat, type Shape, stridesOf } from "../tensor/mod.ts";
import { openFile, readFully } from "./_read.ts";
import { entryOf, type WeightFile, WeightsError } from "./weight_file.ts";

/** Bytes looked at in one go; a multiple of every element's size. */
const blockBytes = 4 << 20;

/** How many tensors a message names. */
const shown = 4;

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
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  using handle = await openFile(file.path);
  const block = new Uint8Array(blockBytes);
  const problems: string[] = [];
  for (const name of names) {
    const problem = await firstProblem(file, handle, name, block, options);
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) {
    throw new WeightsError(
      file.path,
      `${problems.length} of its tensors hold values that are not finite: ${
        problems.slice(0, shown).join(", ")
      }${problems.length > shown ? ", …" : ""}`,
    );
  }
}

async function firstProblem(
  file: WeightFile,
  handle: Deno.FsFile,
  name: string,
  block: Uint8Array<ArrayBuffer>,
  { signal }: { readonly signal?: AbortSignal },
): Promise<string | undefined> {
  const { dtype, shape, offset, length, inPlace, checked } = entryOf(file, name);
  if (!isFloat(dtype) || checked) return;
  let whole: Uint8Array<ArrayBuffer> | undefined;
  if (inPlace === false) {
    signal?.throwIfAborted();
    whole = new Uint8Array(length);
    await file.readInto(name, whole);
  }
  const size = bytesPer(dtype);
  const scan = scanners[dtype];
  for (let done = 0; done < length; done += blockBytes) {
    signal?.throwIfAborted();
    const bytes = block.subarray(0, Math.min(blockBytes, length - done));
    if (whole) bytes.set(whole.subarray(done, done + bytes.length));
    else await readFully(handle, file.path, offset + done, bytes, `tensor "${name}"`);
    const { at, nan } = scan(block.buffer, bytes.length / size);
    if (at >= 0) {
      const index = indexOf(done / size + at, shape);
      return `"${name}" at [${index}] is ${nan ? "NaN" : "infinite"}`;
    }
  }
}

interface Found {
  /** Element, or -1. */
  readonly at: number;
  readonly nan: boolean;
}

/**
 * An element is not finite where all bits of its exponent are set; NaN where bits of the fraction
 * are too.
 */
const scanners = {
  float64: (buffer: ArrayBuffer, count: number) => scanWords(buffer, count, 2, 0x7ff00000),
  float32: (buffer: ArrayBuffer, count: number) => scanWords(buffer, count, 1, 0x7f800000),
  float16: (buffer: ArrayBuffer, count: number) => scanHalves(buffer, count, 0x7c00),
  bfloat16: (buffer: ArrayBuffer, count: number) => scanHalves(buffer, count, 0x7f80),
};

function scanWords(buffer: ArrayBuffer, count: number, words: 1 | 2, exponent: number): Found {
  const bits = new Uint32Array(buffer, 0, count * words);
  for (let i = words - 1; i < bits.length; i += words) {
    if ((bits[i]! & exponent) === exponent) {
      const low = words === 2 ? bits[i - 1]! : 0;
      return { at: (i + 1 - words) / words, nan: ((bits[i]! & 0x7fffffff) | low) !== exponent };
    }
  }
  return { at: -1, nan: false };
}

/** Two elements a step. */
function scanHalves(buffer: ArrayBuffer, count: number, exponent: number): Found {
  const upper = exponent << 16;
  const pairs = new Int32Array(buffer, 0, count >> 1);
  let i = 0;
  while (i < pairs.length) {
    const pair = pairs[i]!;
    if ((pair & exponent) === exponent || (pair & upper) === upper) break;
    i++;
  }
  const bits = new Uint16Array(buffer, 0, count);
  for (let at = i * 2; at < Math.min(count, i * 2 + 2); at++) {
    const value = bits[at]! & 0x7fff;
    if (value >= exponent) return { at, nan: value !== exponent };
  }
  return { at: -1, nan: false };
}

function indexOf(element: number, shape: Shape): string {
  return stridesOf(shape).map((stride, axis) => Math.floor(element / stride) % shape[axis]!)
    .join(", ");
}
