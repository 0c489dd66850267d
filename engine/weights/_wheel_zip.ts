/** The members of a wheel, which is a zip file, wherever the wheel lies. */

import { DownloadError } from "./_requests.ts";
import { type ByteSource, contentBegin, readTable, type ZipEntry } from "./_zip_table.ts";

export type { ByteSource } from "./_zip_table.ts";

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
}

/** A wheel's members, and where their packed bytes lie. */
export interface WheelTable {
  readonly members: readonly WheelMember[];
  /** First packed byte of a member. Throws a `DownloadError` where it is not where the table of contents says. */
  beginOf(member: WheelMember): Promise<number>;
}

/** Longest table of contents that is read, in bytes. */
const tableLimit = 16 << 20;

/** Reads the table of contents. Throws a `DownloadError` where the file is no whole zip file. */
export async function readMembers(source: ByteSource): Promise<WheelTable> {
  const fail = (problem: string) =>
    new DownloadError(`${source.what} is no wheel that can be read: ${problem}.`);
  const { entries, begin: limit } = await readTable(source, tableLimit, fail);
  const byMember = new Map<WheelMember, ZipEntry>(entries.map((entry) => {
    const { name: path, method, encrypted, crc32, packed, bytes } = entry;
    if (encrypted || (method !== 0 && method !== 8)) {
      throw fail(`its member ${path} is ${encrypted ? "encrypted" : `packed by method ${method}`}`);
    }
    return [{ path, method, crc32, packed, bytes }, entry] as const;
  }));
  return {
    members: [...byMember.keys()],
    async beginOf(member) {
      const begin = await contentBegin(source, byMember.get(member)!, limit, fail);
      if (begin + member.packed <= limit) return begin;
      throw fail(`its member ${member.path} does not end before its table of contents`);
    },
  };
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
