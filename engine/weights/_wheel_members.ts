/** Members of a wheel: fetched, unpacked, and checked one after another. */

import { fetchWithin } from "./_body.ts";
import { download } from "./_download.ts";
import { openIndex } from "./_index.ts";
import { hashFile, removeIfThere, sizeOf } from "./_pulled.ts";
import { DownloadError, type RequestOptions } from "./_requests.ts";
import { DamagedMember, unpackBytes, unpackFile } from "./_unpack.ts";
import {
  lockName,
  nameOf,
  packedPlace,
  pick,
  recordName,
  unpackedPlace,
  waiting,
  wheelMark,
  type WheelOptions,
  type WheelPlan,
  type WheelRecord,
  wheelRequests,
} from "./_wheel.ts";
import { openLocal, openRemote } from "./_wheel_source.ts";
import { type ByteSource, parseRecord, readMembers, type WheelTable } from "./_wheel_zip.ts";
import type { WheelMember } from "./_wheel_zip.ts";

/** Longest RECORD that is read, in bytes. */
const recordLimit = 8 << 20;

/** Brings all that a plan names into the folder where it waits, with the record of it. */
export async function fetchInto(
  staging: string,
  plan: WheelPlan,
  options: WheelOptions,
): Promise<WheelRecord> {
  const { request, wheel } = plan;
  const inner = openIndex(request.index, options.fetch ?? fetch).fetch;
  const asking = wheelRequests(options, inner);
  const whole = plan.wanted === undefined ? await fetchWhole(plan, options, asking) : undefined;
  using local = whole === undefined ? undefined : await openLocal(wheel.name, whole);
  const source = local ?? await openRemote(wheel, asking);
  if (source === undefined) {
    throw new DownloadError(
      `${wheel.name} cannot be fetched in parts any more. To fetch it whole: --whole.`,
      { mendable: true },
    );
  }
  const table = await readMembers(source);
  const sums = await readSums(source, table, wheel.name);
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const member of pick(table.members, request, wheel.name)) {
    const sum = sums.get(member.path);
    if (sum?.sha256 === undefined || (sum.bytes ?? member.bytes) !== member.bytes) {
      throw new DownloadError(
        `${wheel.name} is not whole in itself: its RECORD says ${
          sum?.sha256 === undefined ? "nothing" : `${sum.bytes} bytes`
        } of ${member.path}, its table of contents ${member.bytes} bytes.`,
      );
    }
    const sha256 = hexOf(sum.sha256);
    const target = unpackedPlace(request, member.path);
    const there = !options.restart && await sizeOf(target) === member.bytes &&
      await hashFile(target, options.signal) === sha256;
    if (!there) {
      const begin = await table.beginOf(member);
      const packed = whole !== undefined
        ? { path: whole, begin, length: member.packed }
        : await fetchPart(plan, member, begin, options, asking);
      await unpackChecked(packed, target, member, sha256, options, wheel.name);
    }
    files[nameOf(member.path)] = { bytes: member.bytes, sha256 };
  }
  local?.[Symbol.dispose]();
  const record: WheelRecord = {
    project: request.project,
    version: request.version,
    wheel: wheel.name,
    source: wheel.address,
    sha256: wheel.sha256 ?? null,
    checked: whole !== undefined && wheel.sha256 !== undefined ? "whole" : "parts",
    files,
    installed: new Date().toISOString(),
  };
  // Beginnings of another wheel, and this one.
  const rest = await Array.fromAsync(Deno.readDir(staging), ({ name }) => name);
  for (const name of rest) {
    if (!Object.hasOwn(files, name) && name !== lockName) await Deno.remove(`${staging}/${name}`);
  }
  await Deno.writeTextFile(
    `${staging}/${recordName}`,
    `${JSON.stringify(record, undefined, 2)}\n`,
  );
  return record;
}

/** The sums that the wheel's own RECORD has of its files; RECORD itself is checked by its CRC-32 alone. */
async function readSums(source: ByteSource, table: WheelTable, wheel: string) {
  const member = table.members.find(({ path }) => /^[^/]+\.dist-info\/RECORD$/.test(path));
  if (member === undefined || member.bytes > recordLimit || member.packed > recordLimit) {
    throw new DownloadError(
      `${wheel} has no RECORD of its files' checksums that could be read.`,
    );
  }
  const packed = await source.read(await table.beginOf(member), member.packed);
  try {
    const bytes = await unpackBytes(packed, { ...member, what: "its RECORD" });
    return parseRecord(new TextDecoder().decode(bytes));
  } catch (cause) {
    if (!(cause instanceof DamagedMember)) throw cause;
    throw damaged(wheel, cause);
  }
}

function damaged(what: string, cause: DamagedMember): DownloadError {
  return new DownloadError(
    `${what} has come damaged and was thrown away: ${cause.message}. Run the same command again.`,
    { cause },
  );
}

async function fetchWhole(
  plan: WheelPlan,
  options: WheelOptions,
  asking: RequestOptions,
): Promise<string> {
  const { request, wheel } = plan;
  const target = packedPlace(request, wheel.name);
  await download({
    what: wheel.name,
    address: wheel.address,
    page: request.index,
    target,
    expected: {
      ...wheelMark(wheel),
      ...(wheel.bytes !== undefined && { bytes: wheel.bytes }),
      ...(wheel.sha256 !== undefined && { sha256: wheel.sha256 }),
    },
    restart: options.restart ?? false,
    onBytes: (count, done) => options.onEvent?.({ type: "bytes", file: wheel.name, count, done }),
    onWait: waiting(request, options, wheel.name),
  }, asking);
  return target;
}

/** A member's packed bytes, fetched like a file of their own. */
async function fetchPart(
  { request, wheel }: WheelPlan,
  { path, packed }: WheelMember,
  begin: number,
  options: WheelOptions,
  asking: RequestOptions,
): Promise<{ path: string; begin: number; length: number }> {
  const target = packedPlace(request, path);
  if (options.restart || await sizeOf(target) !== packed) {
    await download({
      what: nameOf(path),
      address: wheel.address,
      page: request.index,
      target,
      expected: { ...wheelMark(wheel), bytes: packed },
      restart: options.restart ?? false,
      onBytes: (count, done) =>
        options.onEvent?.({ type: "bytes", file: nameOf(path), count, done }),
      onWait: waiting(request, options, nameOf(path)),
    }, { ...asking, fetch: fetchWithin(asking.fetch, begin, packed) });
  }
  return { path: target, begin: 0, length: packed };
}

async function unpackChecked(
  packed: { readonly path: string; readonly begin: number; readonly length: number },
  target: string,
  member: WheelMember,
  sha256: string,
  { signal, onEvent }: WheelOptions,
  wheel: string,
): Promise<void> {
  const name = nameOf(member.path);
  onEvent?.({ type: "unpack", file: name, bytes: member.bytes });
  try {
    const got = await unpackFile(packed, target, { ...member, what: name }, signal);
    if (got !== sha256) {
      throw new DamagedMember(`${name}: expected the SHA-256 ${sha256} of RECORD, got ${got}`);
    }
  } catch (error) {
    await removeIfThere(target);
    if (!(error instanceof DamagedMember)) throw error;
    await removeIfThere(packed.path);
    throw damaged(wheel, error);
  }
  // The whole wheel goes at the end.
  if (packed.begin === 0) await Deno.remove(packed.path);
}

/** Base64url, as RECORD writes sums, in hexadecimal. */
function hexOf(base64url: string): string {
  const bytes = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
