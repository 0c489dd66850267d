/** Files out of a Python wheel on a package index, without Python: those that are wanted, or by way of the whole wheel. */

import { partOf } from "./_download.ts";
import { chooseWheel, type IndexFile, openIndex, readIndex } from "./_index.ts";
import { takeAlone } from "./_lock.ts";
import { removeIfThere, sizeOf } from "./_pulled.ts";
import { DownloadError } from "./_requests.ts";
import {
  lockName,
  packedPlace,
  pick,
  unpackedPlace,
  waiting,
  wheelMark,
  type WheelOptions,
  type WheelPlan,
  type WheelRecord,
  type WheelRequest,
  wheelRequests,
} from "./_wheel.ts";
import { fetchInto } from "./_wheel_members.ts";
import { openRemote } from "./_wheel_source.ts";
import { readMembers } from "./_wheel_zip.ts";

export type { IndexFile, WheelNeed } from "./_index.ts";
export type { WheelMember } from "./_wheel_zip.ts";
export {
  recordName,
  type WheelEvent,
  type WheelOptions,
  type WheelPlan,
  type WheelRecord,
  type WheelRequest,
} from "./_wheel.ts";

/** The free room on the disk is kept from running out altogether. */
const margin = 64 << 20;

/**
 * Chooses the wheel and looks into its table of contents, unless it is to be fetched whole or its server gives no
 * parts of files. Rejects with a `DownloadError`, or the signal's reason.
 */
export async function planWheel(
  request: WheelRequest,
  options: WheelOptions = {},
): Promise<WheelPlan> {
  const index = openIndex(request.index, options.fetch ?? fetch);
  const asking = wheelRequests(options, index.fetch);
  const files = await readIndex(index.address, request.project, asking, waiting(request, options));
  const wheel = chooseWheel(files, request);
  checkAddress(index.address, wheel);
  const source = options.whole ? undefined : await openRemote(wheel, asking);
  const table = source && await readMembers(source);
  if (source === undefined || table === undefined) {
    const begun = await begunOf(partOf(packedPlace(request, wheel.name), wheelMark(wheel)));
    const coming = wheel.bytes && Math.max(0, wheel.bytes - (options.restart ? 0 : begun));
    return { request, wheel, wanted: undefined, coming, unpacked: undefined };
  }
  const wanted = pick(table.members, request, wheel.name);
  let coming = 0;
  for (const { path, packed } of wanted) {
    if (!options.restart && await begunOf(unpackedPlace(request, path)) > 0) continue;
    const begun = await begunOf(partOf(packedPlace(request, path), wheelMark(wheel)));
    coming += Math.max(0, packed - (options.restart ? 0 : begun));
  }
  const unpacked = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  return { request, wheel: { ...wheel, bytes: source.bytes }, wanted, coming, unpacked };
}

/** An index leads to servers, and from a safe one to safe ones. */
function checkAddress(index: string, { name, address }: IndexFile): void {
  const { protocol, host } = new URL(address);
  if (protocol === "https:" || (protocol === "http:" && index.startsWith("http:"))) return;
  throw new DownloadError(
    `${name} cannot be fetched: its index leads to ${protocol}//${host}, which is not followed.`,
  );
}

/** Bytes that are there; none where there cannot be a file, which whoever writes there will tell. */
async function begunOf(path: string): Promise<number> {
  return await sizeOf(path).catch(() => undefined) ?? 0;
}

/**
 * Fetches what a plan lacks, unpacks it and checks it: every member against its CRC-32 in the table of contents
 * and its SHA-256 in the wheel's RECORD, and a wheel that comes whole against the index's SHA-256 as well.
 * What has come stays when it fails, unless it is known to be wrong; the folder itself appears at the end, in one
 * step. Rejects with a `DownloadError`, or the signal's reason.
 */
export async function fetchWheel(
  plan: WheelPlan,
  options: WheelOptions = {},
): Promise<WheelRecord> {
  const { folder } = plan.request;
  const staging = `${folder}.part`;
  await checkRoom(plan, options);
  try {
    await Deno.mkdir(staging, { recursive: true });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new DownloadError(
      `${staging} cannot be made: ${(cause as Error).message}. ` +
        "Choose another cache folder by XDG_CACHE_HOME.",
      { cause, mendable: true },
    );
  }
  const lock = await takeLock(staging, plan.wheel.name);
  // Windows renames no folder with an open file in it, and removes none. Elsewhere nobody may come in between.
  const early = Deno.build.os === "windows";
  let place = staging;
  try {
    const record = await fetchInto(staging, plan, options);
    if (early) lock.close();
    await replaceFolder(staging, folder);
    place = folder;
    return record;
  } finally {
    if (early) lock.close();
    await removeIfThere(`${place}/${lockName}`);
    lock.close();
    // An empty folder alone is not worth keeping.
    if (place === staging) await Deno.remove(staging).catch(() => {});
  }
}

/** Lets this process alone fetch into the folder, until it is closed. */
async function takeLock(staging: string, what: string): Promise<{ close(): void }> {
  const path = `${staging}/${lockName}`;
  const file = await Deno.open(path, { write: true, create: true });
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  try {
    if (await takeAlone(file, path)) return { close };
  } catch (error) {
    close();
    throw error;
  }
  close();
  throw new DownloadError(`${what} is being fetched by another process: wait for it.`, {
    mendable: true,
  });
}

/** Puts a folder in the place of another, which stays where that fails. */
async function replaceFolder(from: string, to: string): Promise<void> {
  const before = `${to}.${crypto.randomUUID()}`;
  const replaced = await Deno.rename(to, before).then(() => true, () => false);
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (replaced) await Deno.rename(before, to);
    throw error;
  }
  if (replaced) await Deno.remove(before, { recursive: true });
}

async function checkRoom(plan: WheelPlan, { freeSpace }: WheelOptions): Promise<void> {
  const { request: { folder }, coming = 0, unpacked, wheel } = plan;
  // What a whole wheel unpacks to is known later; this one about doubles.
  const needed = coming + (unpacked ?? 2 * (wheel.bytes ?? 0));
  const free = needed > 0 ? await freeSpace?.(folder) : undefined;
  if (free === undefined || free >= needed + margin) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new DownloadError(
    `There is no room for ${folder}: ${megabytes(needed)} are needed and ${
      megabytes(free)
    } are free. ` +
      "Make room, or choose another cache folder by XDG_CACHE_HOME.",
    { mendable: true },
  );
}
