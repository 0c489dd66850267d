/** The folder of a batch, which several may write into at the same time. */

import { basename, dirname, join } from "@std/path";

/** Characters of a name in its temporary form. */
const LONGEST = 60;

/** Locked by every batch that is at work in the folder; the last takes it away. */
const LOCK = ".sluice-batch.lock";

/** A folder that a batch writes into, until it is disposed of. */
export class BatchFolder implements AsyncDisposable {
  readonly #path: string;
  #lock: Deno.FsFile | undefined;

  private constructor(path: string, lock: Deno.FsFile | undefined) {
    this.#path = path;
    this.#lock = lock;
  }

  /**
   * Enters the folder, which must be there. What killed runs have left of files is removed where no other batch is at
   * work in it: what that one is writing looks the same.
   *
   * @param names of the files
   */
  static async enter(path: string, names: readonly string[]): Promise<BatchFolder> {
    let lock: Deno.FsFile | undefined;
    try {
      do {
        lock?.close();
        lock = await Deno.open(join(path, LOCK), { create: true, read: true, write: true });
        // The system lets go of it however a process ends, and knows of those in other containers too.
        if (await lock.tryLock(true)) {
          if (await isThere(lock, join(path, LOCK))) await removeLeftovers(path, names);
          await lock.unlock();
        }
        await lock.lock(false);
        // Taken away before it was locked here, it would tell nobody.
      } while (!await isThere(lock, join(path, LOCK)));
      return new BatchFolder(path, lock);
    } catch {
      // A file system without locks: nobody knows who is at work, so that nothing is removed.
      lock?.close();
      return new BatchFolder(path, undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    if (lock === undefined) return;
    const path = join(this.#path, LOCK);
    try {
      await lock.unlock();
      if (await lock.tryLock(true) && await isThere(lock, path)) await Deno.remove(path);
    } catch {
      // Where an open file cannot be removed it stays; the next batch uses it.
    } finally {
      lock.close();
    }
  }
}

/**
 * Where a video is made that is to be at `path`. A file's writer has a temporary name of its own; a folder of pictures
 * is whole only when the last is in it, so that it gets its name then.
 */
export function workPlace(path: string, isFolder: boolean): string {
  if (!isFolder) return path;
  const token = crypto.randomUUID().slice(0, 8);
  return join(dirname(path), `.${basename(path).slice(0, LONGEST)}.${token}.part`);
}

/** Whether an open file is still the one of its name. */
async function isThere(file: Deno.FsFile, path: string): Promise<boolean> {
  const mine = await file.stat();
  const there = await Deno.stat(path).catch(() => undefined);
  return there !== undefined && mine.ino === there.ino && mine.dev === there.dev;
}

/** Removes what runs that were killed have left of files: hidden, and ending in `.part`. */
async function removeLeftovers(folder: string, names: readonly string[]): Promise<void> {
  const begins = names.map((name) => `.${name.slice(0, LONGEST)}.`);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".part") || !begins.some((begin) => name.startsWith(begin))) continue;
    await Deno.remove(join(folder, name), { recursive: true }).catch(() => {});
  }
}
