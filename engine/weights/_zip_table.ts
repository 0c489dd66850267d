/** The table of contents of a zip file, wherever that lies: a torch checkpoint on the disk, a wheel on a server. */

import { show } from "./_safetensors_header.ts";

/** A file whose bytes can be had piece by piece, here or on a server. */
export interface ByteSource {
  /** In messages. */
  readonly what: string;
  readonly bytes: number;
  read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A record as the table of contents has it. */
export interface ZipEntry {
  readonly name: string;
  /** Whether it is encrypted. */
  readonly encrypted: boolean;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  /** Checksum of its bytes when unpacked. */
  readonly crc32: number;
  /** Bytes as they lie in the file. */
  readonly packed: number;
  /** Bytes when unpacked. */
  readonly bytes: number;
  /** First byte of its local header. */
  readonly begin: number;
}

/** Says what is wrong with a file. */
export type Fail = (problem: string) => Error;

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
};

/** Bytes of the records and of what stands before a name in them. */
const sizes = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 };

/** In the 32-bit fields: the value is in a zip64 field. */
const elsewhere = 0xffffffff;

/**
 * Reads the table of contents: records in its order, each of another name, and where the table begins. Throws where
 * the file is no whole zip file.
 *
 * @param most longest table that is read, in bytes
 */
export async function readTable(
  source: ByteSource,
  most: number,
  fail: Fail,
): Promise<{ readonly entries: ZipEntry[]; readonly begin: number }> {
  const { begin, length, count } = await findTable(source, most, fail);
  return { entries: parseTable(await source.read(begin, length), count, fail), begin };
}

/**
 * Where a record's content begins: behind its local header, whose own lengths count.
 *
 * @param limit where the table of contents begins
 */
export async function contentBegin(
  source: ByteSource,
  { name, begin }: ZipEntry,
  limit: number,
  fail: Fail,
): Promise<number> {
  const encoded = new TextEncoder().encode(name);
  const length = sizes.local + encoded.length;
  if (begin + length > limit) {
    throw fail(`its record ${show(name)} begins beyond the data, at ${begin}`);
  }
  const head = await source.read(begin, length);
  const view = new DataView(head.buffer);
  const named = view.getUint32(0, true) === signatures.local &&
    view.getUint16(26, true) === encoded.length &&
    encoded.every((byte, i) => head[sizes.local + i] === byte);
  if (!named) throw fail(`its record ${show(name)} is not at byte ${begin}, as it says`);
  return begin + length + view.getUint16(28, true);
}

/** Where the table of contents is, by the record at the end of the file. */
async function findTable(source: ByteSource, most: number, fail: Fail) {
  // Only a comment, which hardly any file has, makes the record at the end longer.
  const least = sizes.end + sizes.locator64;
  const found = await findEnd(source, least) ?? await findEnd(source, least + 0xffff);
  if (found === undefined) {
    throw fail("it has no zip's table of contents at its end (truncated?)");
  }
  const { view, at, tailBegin } = found;
  const locator = at - sizes.locator64;
  const large = locator >= 0 && view.getUint32(locator, true) === signatures.locator64;
  const table = large ? await readEnd64(source, whole(view, locator + 8), tailBegin + at, fail) : {
    end: tailBegin + at,
    disk: view.getUint16(at + 4, true),
    count: view.getUint16(at + 10, true),
    length: view.getUint32(at + 12, true),
    begin: view.getUint32(at + 16, true),
  };
  const { end, disk, count, length, begin } = table;
  if (disk !== 0) throw fail("it is part of a zip in several files");
  if (begin + length > end || count * sizes.central > length || length > most) {
    throw fail(
      `its table of contents claims ${count} records in ${length} bytes at ${begin}: ` +
        `expected an end before byte ${end} and at most ${most} bytes`,
    );
  }
  return { begin, length, count };
}

/** The record at the end of a zip file, looked for in its last bytes. */
async function findEnd(source: ByteSource, length: number) {
  const tailLength = Math.min(source.bytes, length);
  const tailBegin = source.bytes - tailLength;
  const view = new DataView((await source.read(tailBegin, tailLength)).buffer);
  for (let at = tailLength - sizes.end; at >= 0; at--) {
    const here = view.getUint32(at, true) === signatures.end &&
      at + sizes.end + view.getUint16(at + 20, true) === tailLength;
    if (here) return { view, at, tailBegin };
  }
}

/** The record that stands before the end of a file with more or larger records than 32 bits can say. */
async function readEnd64(source: ByteSource, at: number, end: number, fail: Fail) {
  const inside = at + sizes.end64 <= end;
  const view = inside ? new DataView((await source.read(at, sizes.end64)).buffer) : undefined;
  if (view?.getUint32(0, true) !== signatures.end64) {
    throw fail("its zip64 record is not where the end of the file says");
  }
  return {
    end: at,
    disk: view.getUint32(16, true),
    count: whole(view, 32),
    length: whole(view, 40),
    begin: whole(view, 48),
  };
}

function parseTable(table: Uint8Array<ArrayBuffer>, count: number, fail: Fail): ZipEntry[] {
  const view = new DataView(table.buffer);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const broken = () => fail(`record ${i} of its table of contents is broken`);
    const nameBegin = at + sizes.central;
    if (nameBegin > table.length || view.getUint32(at, true) !== signatures.central) throw broken();
    const nameEnd = nameBegin + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > table.length) throw broken();
    const name = utf8(table.subarray(nameBegin, nameEnd));
    if (name === undefined) throw broken();
    if (entries.has(name)) throw fail(`its record ${show(name)} is listed twice`);
    const fields = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
    if (!widen(fields, new DataView(table.buffer, nameEnd, extraEnd - nameEnd))) throw broken();
    const [bytes, packed, begin] = fields as [number, number, number];
    entries.set(name, {
      name,
      encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      method: view.getUint16(at + 10, true),
      crc32: view.getUint32(at + 16, true),
      packed,
      bytes,
      begin,
    });
    at = next;
  }
  return [...entries.values()];
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
