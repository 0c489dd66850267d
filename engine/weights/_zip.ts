/** The records of a zip file that are to be read where they lie, as torch.save writes them. */

import { openFile, readFully } from "./_read.ts";
import { show } from "./_safetensors_header.ts";
import { WeightsError } from "./weight_file.ts";
import { type ByteSource, contentBegin, readTable } from "./_zip_table.ts";

/** A record of a zip file. */
export interface ZipRecord {
  /** First byte of its content, counted from the beginning of the file. */
  readonly offset: number;
  /** Bytes of its content as they lie in the file. */
  readonly length: number;
}

/** Longest table of contents that is read, in bytes: more than 100,000 tensors' worth. */
const tableLimit = 32 << 20;

/**
 * Reads the table of contents. Every record must be stored as it is, lie inside the file, and share no byte
 * with another; sizes come from the table, for local headers may leave them to what follows the data.
 */
export async function readZip(path: string): Promise<Map<string, ZipRecord>> {
  using file = await openFile(path);
  const { size } = await file.stat();
  const fail = (problem: string) => new WeightsError(path, problem);
  const source: ByteSource = {
    what: path,
    bytes: size,
    async read(from, length) {
      const bytes = new Uint8Array(length);
      await readFully(file, path, from, bytes, "what its table of contents names");
      return bytes;
    },
  };
  const { entries, begin } = await readTable(source, tableLimit, fail);
  for (const { name, method, encrypted, bytes, packed } of entries) {
    if (method !== 0 || encrypted) {
      throw fail(
        `its record ${show(name)} is ${
          method === 0 ? "encrypted" : `compressed (method ${method})`
        }: expected a checkpoint as torch.save writes it, with records stored as they are`,
      );
    }
    if (bytes !== packed) {
      throw fail(
        `its record ${show(name)} has two sizes: ${bytes} bytes, and ${packed} in the file`,
      );
    }
  }
  entries.sort((a, b) => a.begin - b.begin);
  const records = new Map<string, ZipRecord>();
  let end = 0;
  let before = "";
  for (const entry of entries) {
    const { name, bytes: length } = entry;
    if (entry.begin < end) {
      throw fail(`its records ${show(before)} and ${show(name)} overlap`);
    }
    const offset = await contentBegin(source, entry, begin, fail);
    end = offset + length;
    if (end > begin) {
      throw fail(
        `its record ${show(name)} does not fit: expected an end before byte ${begin}, got ${end}`,
      );
    }
    before = name;
    records.set(name, { offset, length });
  }
  return records;
}
