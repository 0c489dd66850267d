/** The table of contents of a zip file whose records are to be read where they lie. */

import { openFile, readFully } from "./_read.ts";
import { show } from "./_safetensors_header.ts";
import { WeightsError } from "./weight_file.ts";

/** A record of a zip file. */
export interface ZipRecord {
  /** First byte of its content, counted from the beginning of the file. */
  readonly offset: number;
  /** Bytes of its content as they lie in the file. */
  readonly length: number;
}

/** Longest table of contents that is read, in bytes: more than 100,000 tensors' worth. */
const tableLimit = 32 << 20;

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
};

/** In the 32-bit fields: the value is in a zip64 field. */
const elsewhere = 0xffffffff;

interface CentralEntry {
  readonly name: string;
  /** First byte of the local header. */
  readonly begin: number;
  readonly length: number;
}

/**
 * Reads the table of contents. Every record must be stored as it is, lie inside the file, and share no byte
 * with another; sizes come from the table, for local headers may leave them to what follows the data.
 */
export async function readZip(path: string): Promise<Map<string, ZipRecord>> {
  using file = await openFile(path);
  const { size } = await file.stat();
  const fail = (problem: string) => new WeightsError(path, problem);
  const { begin, length, count } = await findTable(file, path, size);
  const table = new Uint8Array(length);
  await readFully(file, path, begin, table, "its table of contents");
  const entries = parseTable(table, count, fail);
  entries.sort((a, b) => a.begin - b.begin);
  const records = new Map<string, ZipRecord>();
  let end = 0;
  let before = "";
  for (const { name, begin: local, length } of entries) {
    if (local < end) throw fail(`its records ${show(before)} and ${show(name)} overlap`);
    const offset = await contentOffset(file, path, name, local, begin);
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

/** Where the table of contents is, by the record at the end of the file. */
async function findTable(file: Deno.FsFile, path: string, size: number) {
  const tail = new Uint8Array(Math.min(size, 22 + 0xffff + 20));
  await readFully(file, path, size - tail.length, tail, "its end");
  const view = new DataView(tail.buffer);
  let at = tail.length - 22;
  while (at >= 0) {
    const found = view.getUint32(at, true) === signatures.end &&
      at + 22 + view.getUint16(at + 20, true) === tail.length;
    if (found) break;
    at--;
  }
  if (at < 0) {
    throw new WeightsError(path, "it has no zip's table of contents at its end (truncated?)");
  }
  const locator = at >= 20 && view.getUint32(at - 20, true) === signatures.locator64
    ? whole(view, at - 12)
    : undefined;
  let end = size - tail.length + at;
  let count = view.getUint16(at + 10, true);
  let length = view.getUint32(at + 12, true);
  let begin = view.getUint32(at + 16, true);
  let disks = view.getUint16(at + 4, true);
  if (locator !== undefined) {
    const record = new DataView(new ArrayBuffer(56));
    const bytes = new Uint8Array(record.buffer);
    const inside = locator + 56 <= end;
    if (inside) await readFully(file, path, locator, bytes, "its zip64 record");
    if (!inside || record.getUint32(0, true) !== signatures.end64) {
      throw new WeightsError(path, "its zip64 record is not where the end of the file says");
    }
    end = locator;
    disks = record.getUint32(16, true);
    count = whole(record, 32);
    length = whole(record, 40);
    begin = whole(record, 48);
  }
  if (disks !== 0) throw new WeightsError(path, "it is part of a zip in several files");
  if (begin + length > end || count * 46 > length || length > tableLimit) {
    throw new WeightsError(
      path,
      `its table of contents claims ${count} records in ${length} bytes at ${begin}: ` +
        `expected an end before byte ${end} and at most ${tableLimit} bytes`,
    );
  }
  return { begin, length, count };
}

function parseTable(
  table: Uint8Array<ArrayBuffer>,
  count: number,
  fail: (problem: string) => Error,
): CentralEntry[] {
  const view = new DataView(table.buffer);
  const entries: CentralEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const broken = () => fail(`record ${i} of its table of contents is broken`);
    if (at + 46 > table.length || view.getUint32(at, true) !== signatures.central) throw broken();
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > table.length) throw broken();
    const name = utf8(table.subarray(at + 46, nameEnd));
    if (name === undefined) throw broken();
    if (names.has(name)) throw fail(`its record ${show(name)} is listed twice`);
    names.add(name);
    if (method !== 0 || (flags & 1) !== 0) {
      throw fail(
        `its record ${show(name)} is ${
          method === 0 ? "encrypted" : `compressed (method ${method})`
        }: expected a checkpoint as torch.save writes it, with records stored as they are`,
      );
    }
    const fields = [
      view.getUint32(at + 24, true), // size
      view.getUint32(at + 20, true), // size in the file
      view.getUint32(at + 42, true), // local header
    ];
    if (!widen(fields, new DataView(table.buffer, nameEnd, extraEnd - nameEnd))) throw broken();
    const [length, stored, begin] = fields as [number, number, number];
    if (length !== stored) {
      throw fail(
        `its record ${show(name)} has two sizes: ${length} bytes, and ${stored} in the file`,
      );
    }
    entries.push({ name, begin, length });
    at = next;
  }
  return entries;
}

/** Replaces the fields that say so by those of the zip64 extra field, which come in the same order. */
function widen(fields: number[], extra: DataView): boolean {
  if (!fields.includes(elsewhere)) return true;
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const end = at + 4 + extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) {
      let from = at + 4;
      for (const [i, field] of fields.entries()) {
        if (field !== elsewhere) continue;
        if (from + 8 > Math.min(end, extra.byteLength)) return false;
        fields[i] = whole(extra, from);
        from += 8;
      }
      return true;
    }
    at = end;
  }
  return false;
}

/** Where a record's content begins: behind its local header, whose extra field pads it. */
async function contentOffset(
  file: Deno.FsFile,
  path: string,
  name: string,
  local: number,
  limit: number,
): Promise<number> {
  const encoded = new TextEncoder().encode(name);
  const head = new Uint8Array(30 + encoded.length);
  if (local + head.length > limit) {
    throw new WeightsError(path, `its record ${show(name)} begins beyond the data, at ${local}`);
  }
  await readFully(file, path, local, head, `the head of record ${show(name)}`);
  const view = new DataView(head.buffer);
  const named = view.getUint32(0, true) === signatures.local &&
    view.getUint16(26, true) === encoded.length &&
    encoded.every((byte, i) => head[30 + i] === byte);
  if (!named) {
    throw new WeightsError(path, `its record ${show(name)} is not at byte ${local}, as it says`);
  }
  return local + head.length + view.getUint16(28, true);
}

/** A 64-bit size; what is beyond the exact integers is beyond every file too. */
function whole(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : Infinity;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
