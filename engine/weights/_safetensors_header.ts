import {
  byteLength,
  bytesPer,
  type DType,
  elementCount,
  formatShape,
  type Shape,
} from "../tensor/mod.ts";
import { type WeightEntry, WeightsError } from "./weight_file.ts";

/**
 * Names of element types in safetensors files, as github.com/huggingface/safetensors spells them.
 */
export const dtypeOfName: ReadonlyMap<string, DType> = new Map<string, DType>([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);

/** What a header says. */
export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, WeightEntry>;
}

/** A tensor's name in a message: quoted, short, without control characters. */
export function show(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}

/**
 * Reads a header and checks all of it against the size of the file.
 *
 * @param bytes the JSON text, without the eight bytes of its length
 * @param fileSize bytes of the whole file
 */
export function parseHeader(path: string, bytes: Uint8Array, fileSize: number): Header {
  const fail = (problem: string) => new WeightsError(path, problem);
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (error) {
    throw new WeightsError(
      path,
      `its header is not JSON (${(error as Error).message}): is it a safetensors file?`,
      { cause: error },
    );
  }
  if (!isRecord(json)) throw fail("its header is not a JSON object: is it a safetensors file?");
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw fail(`tensor ${show(repeated)} is listed twice`);

  const begin = 8 + bytes.length;
  const metadata = new Map<string, string>();
  const tensors = new Map<string, WeightEntry>();
  for (const [name, value] of Object.entries(json)) {
    if (name !== "__metadata__") {
      tensors.set(
        name,
        readEntry(value, begin, fileSize, (p) => fail(`tensor ${show(name)} ${p}`)),
      );
      continue;
    }
    if (!isRecord(value)) throw fail("its metadata is not an object of texts");
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== "string") throw fail(`its metadata ${show(key)} is not a text`);
      metadata.set(key, text);
    }
  }
  checkCover(tensors, begin, fileSize, fail);
  return { metadata, tensors };
}

function readEntry(
  value: unknown,
  begin: number,
  fileSize: number,
  fail: (problem: string) => Error,
): WeightEntry {
  if (!isRecord(value)) throw fail("is not described by an object");
  const dtype = typeof value.dtype === "string" ? dtypeOfName.get(value.dtype) : undefined;
  if (dtype === undefined) {
    throw fail(
      `has an unknown element type: expected one of ${[...dtypeOfName.keys()].join(", ")}, got ${
        show(JSON.stringify(value.dtype) ?? "none")
      }`,
    );
  }
  const shape = wholeNumbers(value.shape);
  if (shape === undefined) throw fail("has no shape: expected an array of whole numbers");
  const offsets = wholeNumbers(value.data_offsets);
  if (offsets?.length !== 2 || offsets[0]! > offsets[1]!) {
    throw fail("has no place in the file: expected data_offsets [begin, end]");
  }
  const length = offsets[1]! - offsets[0]!;
  const expected = safeByteLength(dtype, shape);
  if (length !== expected) {
    throw fail(
      `has a length that does not fit: expected ${
        expected ?? "less than 2^53"
      } bytes for ${value.dtype} ${formatShape(shape)}, got ${length}`,
    );
  }
  const offset = begin + offsets[0]!;
  if (offset + length > fileSize) {
    throw fail(
      `lies beyond the end of the file: it needs ${
        offset + length
      } bytes, the file has ${fileSize} ` +
        `(truncated download?)`,
    );
  }
  return { dtype, shape, offset, length };
}

/** Tensors must neither overlap nor leave bytes that belong to none, as the format demands. */
function checkCover(
  tensors: ReadonlyMap<string, WeightEntry>,
  begin: number,
  fileSize: number,
  fail: (problem: string) => Error,
): void {
  const placed = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  let end = begin;
  let before = "the header";
  for (const [name, entry] of placed) {
    if (entry.offset < end) throw fail(`tensors ${before} and ${show(name)} overlap`);
    if (entry.offset > end) {
      throw fail(`${entry.offset - end} bytes before tensor ${show(name)} belong to no tensor`);
    }
    end = entry.offset + entry.length;
    before = show(name);
  }
  if (end !== fileSize) {
    throw fail(`its last ${fileSize - end} bytes belong to no tensor`);
  }
}

/**
 * The first key that the outermost object of a JSON text has twice; `JSON.parse` keeps the last
 * silently.
 */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let begin = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      begin = at;
      at = endOfString(text, at);
      end = at + 1;
    } else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === ":" && depth === 1) {
      const key = JSON.parse(text.slice(begin, end)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
}

/** Where the quote is that closes the JSON string whose first quote is at `begin`. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

function safeByteLength(dtype: DType, shape: Shape): number | undefined {
  try {
    elementCount([...shape, bytesPer(dtype)]);
  } catch {
    return undefined;
  }
  return byteLength(dtype, shape);
}

function wholeNumbers(value: unknown): number[] | undefined {
  const whole = Array.isArray(value) &&
    value.every((item) => Number.isSafeInteger(item) && item >= 0);
  return whole ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
