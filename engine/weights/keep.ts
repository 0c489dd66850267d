/** Published models on the disk: which are there, whether they are whole, and away with them. */

import { hashFile, placeOf, readRecord, removeIfThere, removeRecord, sizeOf } from "./_pulled.ts";
import type { ModelFile, PublishedModel } from "./registry.ts";

/** A published model's file as it is here. */
export interface KeptFile {
  /** The file as the registry has it. */
  readonly file: ModelFile;
  /** Where it is, or would be. */
  readonly path: string;
  /** `begun`: a part of it waits for the rest. */
  readonly state: "there" | "begun" | "missing";
  /** Bytes that are here. */
  readonly bytes: number;
}

/** What checking a file's content found. */
export interface CheckedFile {
  /** The file as the registry has it. */
  readonly file: ModelFile;
  /** Where it is, or would be. */
  readonly path: string;
  /** `unknown`: it is there, and nothing is known to compare it with. */
  readonly state: "whole" | "damaged" | "missing" | "unknown";
  /** In words. */
  readonly detail: string;
}

/** Looks at sizes alone. */
export async function findModel(model: PublishedModel, folder: string): Promise<KeptFile[]> {
  return await Promise.all(model.files.map(async (file) => {
    const path = placeOf(folder, model, file);
    const bytes = await sizeOf(path);
    if (bytes !== undefined) return { file, path, state: "there" as const, bytes };
    const begun = (await partsOf(path)).reduce((sum, part) => Math.max(sum, part.bytes), 0);
    return { file, path, state: begun > 0 ? "begun" as const : "missing" as const, bytes: begun };
  }));
}

/** Reads a model's files and compares them with their checksums. */
export async function verifyModel(
  model: PublishedModel,
  folder: string,
  options: { readonly signal?: AbortSignal; readonly onBytes?: (count: number) => void } = {},
): Promise<CheckedFile[]> {
  const results: CheckedFile[] = [];
  for (const file of model.files) {
    const path = placeOf(folder, model, file);
    const bytes = await sizeOf(path);
    if (bytes === undefined) {
      results.push({ file, path, state: "missing", detail: "it is not here" });
      continue;
    }
    const record = await readRecord(folder, model, file);
    const sha256 = await hashFile(path, options.signal, options.onBytes);
    const expected = file.sha256 ?? record?.sha256;
    const size = file.bytes ?? record?.bytes;
    const state = expected === undefined ? "unknown" : expected === sha256 ? "whole" : "damaged";
    const detail = state === "unknown"
      ? `nothing is known to compare it with; its SHA-256 is ${sha256}`
      : state === "whole"
      ? `SHA-256 ${sha256}`
      : size !== bytes
      ? `expected ${size} bytes, got ${bytes}`
      : `expected the SHA-256 ${expected}, got ${sha256}`;
    results.push({ file, path, state, detail });
  }
  return results;
}

/**
 * Removes a model's files, and parts of them. What another tool put into the hub's shared cache stays.
 * Returns the bytes that are free now.
 */
export async function removeModel(model: PublishedModel, folder: string): Promise<number> {
  let freed = 0;
  for (const file of model.files) {
    const path = placeOf(folder, model, file);
    const record = await readRecord(folder, model, file);
    const own = record?.cached ?? [];
    for (const cached of own) {
      freed += await bytesAt(cached);
      await removeIfThere(cached);
    }
    freed += await bytesAt(path);
    await removeIfThere(path);
    for (const part of await partsOf(path)) {
      freed += part.bytes;
      await removeIfThere(part.path);
    }
    await removeRecord(folder, model, file);
    await removeEmpty(path, folder);
    await removeEmpty(`${folder}/.pulled/${model.folder}/${file.path}`, folder);
  }
  return freed;
}

/** Bytes of a file itself: none of a link. */
async function bytesAt(path: string): Promise<number> {
  try {
    const { isFile, size } = await Deno.lstat(path);
    return isFile ? size : 0;
  } catch {
    return 0;
  }
}

async function partsOf(path: string): Promise<{ readonly path: string; readonly bytes: number }[]> {
  const at = path.lastIndexOf("/");
  const [folder, name] = [path.slice(0, at), path.slice(at + 1)];
  const parts = [];
  try {
    for await (const each of Deno.readDir(folder)) {
      if (!each.name.startsWith(`${name}.`) || !each.name.endsWith(".part")) continue;
      const part = `${folder}/${each.name}`;
      parts.push({ path: part, bytes: await sizeOf(part) ?? 0 });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return parts;
}

/** Removes folders that hold nothing any more, from a file's up to `folder`. */
async function removeEmpty(path: string, folder: string): Promise<void> {
  for (let at = path.slice(0, path.lastIndexOf("/")); at.length > folder.length;) {
    try {
      await Deno.remove(at);
    } catch {
      return;
    }
    at = at.slice(0, at.lastIndexOf("/"));
  }
}
