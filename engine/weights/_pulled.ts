/** What is known of files that were pulled: one small record a file, in a folder beside the models. */

import { createHash } from "node:crypto";
import type { ModelFile, PublishedModel } from "./registry.ts";

/** A file that was pulled and checked. */
export interface PullRecord {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
  /** Where it came from. */
  readonly source: string;
  readonly commit?: string;
  /** Of the day it came, in ISO 8601. */
  readonly pulled: string;
  /** Files in the hub's shared cache that this program put there: the content, and its names. */
  readonly cached?: readonly string[];
}

/** A file's place in the folder of models. */
export function placeOf(folder: string, model: PublishedModel, file: ModelFile): string {
  return `${folder}/${model.folder}/${file.path}`;
}

function recordOf(folder: string, model: PublishedModel, file: ModelFile): string {
  return `${folder}/.pulled/${model.folder}/${file.path}.json`;
}

/** What was written when the file came; undefined where nothing was, or nothing that can be read. */
export async function readRecord(
  folder: string,
  model: PublishedModel,
  file: ModelFile,
): Promise<PullRecord | undefined> {
  try {
    const text = await Deno.readTextFile(recordOf(folder, model, file));
    const record = JSON.parse(text) as PullRecord;
    return typeof record.bytes === "number" && typeof record.sha256 === "string"
      ? record
      : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function writeRecord(
  folder: string,
  model: PublishedModel,
  file: ModelFile,
  record: PullRecord,
): Promise<void> {
  const path = recordOf(folder, model, file);
  await makeFolderOf(path);
  const draft = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, `${JSON.stringify(record, undefined, 2)}\n`);
  await Deno.rename(draft, path);
}

export async function removeRecord(
  folder: string,
  model: PublishedModel,
  file: ModelFile,
): Promise<void> {
  await removeIfThere(recordOf(folder, model, file));
}

/** A file's size; undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const { isFile, size } = await Deno.stat(path);
    return isFile ? size : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The SHA-256 of a file. @param onBytes told how many bytes have been read since the last time */
export async function hashFile(
  path: string,
  signal?: AbortSignal,
  onBytes: (count: number) => void = () => {},
): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const buffer = new Uint8Array(4 << 20);
  for (let count; (count = await file.read(buffer)) !== null;) {
    signal?.throwIfAborted();
    hash.update(buffer.subarray(0, count));
    onBytes(count);
  }
  return hash.digest("hex");
}

export async function makeFolderOf(path: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
}

/** Whether there was something to remove. */
export async function removeIfThere(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
