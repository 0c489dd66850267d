/** Files in Hugging Face's safetensors format: a JSON header and the tensors' bytes behind it. */

import { bytesOf, bytesPer, elementCount, type HostTensor, viewBytes } from "../tensor/mod.ts";
import { openFile, readFully } from "./_read.ts";
import { dtypeOfName, parseHeader, show } from "./_safetensors_header.ts";
import { entryOf, type WeightFile, WeightsError } from "./weight_file.ts";

/** Longest header that is read, in bytes; the format's own implementation has the same limit. */
export const headerLimit = 100_000_000;

/**
 * Opens a safetensors file: reads the header alone, and checks every tensor's type, shape and place
 * against the size of the file. The values stay where they are until they are asked for.
 *
 * Throws a `WeightsError` that names the file, the tensor and what is wrong with it.
 */
export async function openSafetensors(path: string): Promise<WeightFile> {
  using file = await openFile(path);
  const { size } = await file.stat();
  if (size === 0) throw new WeightsError(path, "the file is empty");
  if (size < 8) {
    throw new WeightsError(
      path,
      `expected at least the 8 bytes of a header's length, got ${size}`,
    );
  }
  const head = new Uint8Array(8);
  await readFully(file, path, 0, head, "the header's length");
  const length = new DataView(head.buffer).getBigUint64(0, true);
  if (length > headerLimit) {
    throw new WeightsError(
      path,
      `its header claims ${length} bytes: expected at most ${headerLimit}; is it a safetensors file?`,
    );
  }
  if (8n + length > size) {
    throw new WeightsError(
      path,
      `its header claims ${length} bytes, but the file holds only ${size - 8} after its length ` +
        `(truncated download?)`,
    );
  }
  const bytes = new Uint8Array(Number(length));
  await readFully(file, path, 8, bytes, "the header");
  const { metadata, tensors } = parseHeader(path, bytes, size);
  const result: WeightFile = {
    path,
    metadata,
    tensors,
    async read(name) {
      const { dtype, shape, length } = entryOf(result, name);
      const bytes = new Uint8Array(length);
      await result.readInto(name, bytes);
      return { dtype, shape, data: viewBytes(dtype, bytes) } as HostTensor;
    },
    async readInto(name, target) {
      const { offset, length } = entryOf(result, name);
      if (target.length !== length) {
        throw new RangeError(
          `cannot read tensor ${
            show(name)
          }: expected room for ${length} bytes, got ${target.length}`,
        );
      }
      using file = await openFile(path);
      await readFully(file, path, offset, target, `tensor ${show(name)}`);
    },
  };
  return result;
}

const nameOfDtype = new Map([...dtypeOfName].map(([name, dtype]) => [dtype, name]));

/**
 * Writes a safetensors file in one piece: under a temporary name beside it, then renamed, so that
 * `path` holds the old file or the whole new one. Tensors are sorted by element size, largest
 * first, then by name, and the header is padded to 8 bytes, so that every tensor is aligned to its
 * elements.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [name: string, tensor: HostTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const sorted = [...tensors].sort(([a, x], [b, y]) =>
    bytesPer(y.dtype) - bytesPer(x.dtype) || (a < b ? -1 : a > b ? 1 : 0)
  );
  const header = encodeHeader(sorted, metadata);
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true });
      await writeFully(file, header);
      for (const [, tensor] of sorted) await writeFully(file, bytesOf(tensor));
      await file.syncData();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

function encodeHeader(
  tensors: readonly (readonly [string, HostTensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) entries.set("__metadata__", metadata);
  let end = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    if (name === "__metadata__" || entries.has(name)) {
      throw new TypeError(`cannot write tensor ${show(name)}: the name is taken`);
    }
    if (elementCount(shape) !== data.length) {
      throw new TypeError(
        `cannot write tensor ${show(name)}: expected ${
          elementCount(shape)
        } elements, got ${data.length}`,
      );
    }
    const begin = end;
    end += data.byteLength;
    entries.set(name, { dtype: nameOfDtype.get(dtype), shape, data_offsets: [begin, end] });
  }
  const text = new TextEncoder().encode(
    `{${[...entries].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`,
  );
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}

async function writeFully(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}
