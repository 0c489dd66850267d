/** The table of contents of a wheel, which is a zip file, wherever the wheel lies. */

import { DownloadError } from "./_requests.ts";

/** A file whose bytes can be had piece by piece, here or on a server. */
export interface ByteSource {
  /** In messages. */
  readonly what: string;
  readonly bytes: number;
  read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A member of a wheel. */
export interface WheelMember {
  /** Its path in the wheel. */
  readonly path: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  /** Checksum of its bytes when unpacked. */
  readonly crc32: number;
  /** Bytes as they lie in the wheel. */
  readonly packed: number;
  /** Bytes when unpacked. */
  readonly bytes: number;
  /** First byte of its local header. */
  readonly begin: number;
}

/** Longest table of contents that is read, in bytes. */
const tableLimit = 16 << 20;

/** Reads the table of contents. Throws a `DownloadError` where the file is no whole zip file. */
export async function readMembers(source: ByteSource): Promise<WheelMember[]> {
  const fail = (problem: string) =>
    new DownloadError(`${source.what} is no wheel that can be read: ${problem}.`);
  // The record at the end is 22 bytes; only a comment, which wheels have none of, makes it longer.
  const found = await findEnd(source, 22) ?? await findEnd(source, 22 + 0xffff);
  if (found === undefined) {
    throw fail("it has no zip's table of contents at its end (truncated?)");
  }
  const { tail, tailBegin, at } = found;
  const view = new DataView(tail.buffer);
  const count = view.getUint16(at + 10, true);
  const length = view.getUint32(at + 12, true);
  const begin = view.getUint32(at + 16, true);
  if (count === 0xffff || length === 0xffffffff || begin === 0xffffffff) {
    throw fail("it is a zip64 file, which wheels below 4 GB are not");
  }
  if (begin + length > tailBegin + at || count * 46 > length || length > tableLimit) {
    throw fail(`its table of contents claims ${count} members in ${length} bytes at ${begin}`);
  }
  const table = begin >= tailBegin
    ? tail.slice(begin - tailBegin, begin - tailBegin + length)
    : await source.read(begin, length);
  return parseTable(table, count, begin, fail);
}

/** The record at the end of a zip file, looked for in its last bytes. */
async function findEnd(source: ByteSource, length: number) {
  const tailLength = Math.min(source.bytes, length);
  const tailBegin = source.bytes - tailLength;
  const tail = await source.read(tailBegin, tailLength);
  const view = new DataView(tail.buffer);
  for (let at = tailLength - 22; at >= 0; at--) {
    const here = view.getUint32(at, true) === 0x06054b50 &&
      at + 22 + view.getUint16(at + 20, true) === tailLength;
    if (here) return { tail, tailBegin, at };
  }
}

function parseTable(
  table: Uint8Array<ArrayBuffer>,
  count: number,
  limit: number,
  fail: (problem: string) => Error,
): WheelMember[] {
  const view = new DataView(table.buffer);
  const members: WheelMember[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const broken = () => fail(`member ${i} of its table of contents is broken`);
    if (at + 46 > table.length || view.getUint32(at, true) !== 0x02014b50) throw broken();
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const next = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > table.length) throw broken();
    const path = new TextDecoder().decode(table.subarray(at + 46, nameEnd));
    const encrypted = (view.getUint16(at + 8, true) & 1) !== 0;
    const method = view.getUint16(at + 10, true);
    const member = {
      path,
      method,
      crc32: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      begin: view.getUint32(at + 42, true),
    };
    if (encrypted || (method !== 0 && method !== 8)) {
      throw fail(`its member ${path} is ${encrypted ? "encrypted" : `packed by method ${method}`}`);
    }
    if (member.begin + 30 + member.packed > limit) {
      throw fail(`its member ${path} does not end before its table of contents`);
    }
    members.push(member);
    at = next;
  }
  return members;
}

/** Where a member's packed bytes begin: behind its local header, whose own lengths count. */
export async function contentBegin(source: ByteSource, member: WheelMember): Promise<number> {
  const head = await source.read(member.begin, 30);
  const view = new DataView(head.buffer);
  if (view.getUint32(0, true) !== 0x04034b50) {
    throw new DownloadError(
      `${source.what} is no wheel that can be read: its member ${member.path} is not at byte ` +
        `${member.begin}, as its table of contents says.`,
    );
  }
  return member.begin + 30 + view.getUint16(26, true) + view.getUint16(28, true);
}

/** What a wheel says of its files in RECORD: SHA-256 in base64url without padding, and bytes. */
export function parseRecord(
  text: string,
): Map<string, { readonly sha256: string | undefined; readonly bytes: number | undefined }> {
  const rows = text.split(/\r?\n/).flatMap((line) => {
    const row = /^(?:"((?:[^"]|"")*)"|([^,]*)),(?:sha256=([\w-]*)=*|[^,]*),(\d*)$/.exec(line);
    if (row === null) return [];
    const [, quoted, plain, sha256, bytes] = row;
    const path = quoted?.replaceAll('""', '"') ?? plain!;
    return [
      [path, {
        // 32 bytes are 43 digits.
        sha256: sha256?.length === 43 ? sha256 : undefined,
        bytes: bytes ? Number(bytes) : undefined,
      }] as const,
    ];
  });
  return new Map(rows);
}
