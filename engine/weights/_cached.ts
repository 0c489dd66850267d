/** The cache that the hub's tools share on a machine: files are taken from it, and put into it. */

import { cachedRepository, hubCache, type RemoteFile } from "./_hub.ts";
import { hashFile, makeFolderOf, removeIfThere, sizeOf, writeRecord } from "./_pulled.ts";
import type { PlannedFile, PullOptions } from "./_plan.ts";
import type { ModelFile, PublishedModel } from "./registry.ts";

/** Where the content of a hub's file lies: in the shared cache, if the user chose where that is. */
export function contentPlace(
  { model, path }: Pick<PlannedFile, "model" | "path">,
  { sha256 }: RemoteFile,
  { environment = {} }: PullOptions,
): string {
  const cache = hubCache(environment);
  if (!cache?.chosen || model.repository === undefined || sha256 === undefined) return path;
  return `${cachedRepository(cache.folder, model.repository)}/blobs/${sha256}`;
}

/** Takes a file from the hub's shared cache on this machine. Returns whether it was there and whole. */
export async function takeCached(each: PlannedFile, options: PullOptions): Promise<boolean> {
  const { model, file, name, path, expected } = each;
  const cache = hubCache(options.environment ?? {});
  if (cache === undefined || model.repository === undefined || options.restart) return false;
  const repository = cachedRepository(cache.folder, model.repository);
  const blob = expected.sha256 !== undefined
    ? `${repository}/blobs/${expected.sha256}`
    : await cachedSnapshot(repository, model, file);
  const bytes = blob === undefined ? undefined : await sizeOf(blob);
  if (blob === undefined || bytes === undefined) return false;
  if (expected.bytes !== undefined && expected.bytes !== bytes) return false;
  const sha256 = await hashFile(blob, options.signal);
  // The cache names a large file's content by its SHA-256.
  const named = /\/([0-9a-f]{64})$/.exec(blob)?.[1];
  if (sha256 !== (expected.sha256 ?? named ?? sha256)) return false;
  await link(await Deno.realPath(blob), path);
  const record = { bytes, sha256, source: blob, pulled: new Date().toISOString() };
  await writeRecord(options.folder, model, file, record);
  options.onEvent?.({ type: "done", file: name, bytes, from: "cached" });
  return true;
}

/** The content of a file in the shared cache by its name, without asking the hub. */
async function cachedSnapshot(
  repository: string,
  { revision = "main" }: PublishedModel,
  { path }: ModelFile,
): Promise<string | undefined> {
  try {
    const commit = /^[0-9a-f]{40}$/.test(revision)
      ? revision
      : (await Deno.readTextFile(`${repository}/refs/${revision}`)).trim();
    return await Deno.realPath(`${repository}/snapshots/${commit}/${path}`);
  } catch {
    return undefined;
  }
}

/** Gives content in the shared cache its names there and here. Returns what was put into the cache. */
export async function nameCached(
  { model, file, path, expected }: PlannedFile,
  blob: string,
  { environment = {} }: PullOptions,
): Promise<string[]> {
  const content = await Deno.realPath(blob);
  await link(content, path);
  const { repository, revision = "main" } = model;
  const commit = expected.commit;
  if (commit === undefined) return [content];
  const root = cachedRepository(hubCache(environment)!.folder, repository!);
  const name = `${root}/snapshots/${commit}/${file.path}`;
  await link(content, name);
  if (revision !== commit) {
    const ref = `${root}/refs/${revision}`;
    await makeFolderOf(ref);
    await Deno.writeTextFile(ref, commit);
  }
  return [name, content];
}

/** In one step, since another process may do the same, or be reading. */
async function link(to: string, from: string): Promise<void> {
  await makeFolderOf(from);
  const draft = `${from}.${crypto.randomUUID()}`;
  await Deno.symlink(to, draft);
  try {
    await Deno.rename(draft, from);
  } catch (error) {
    await removeIfThere(draft);
    throw error;
  }
}
