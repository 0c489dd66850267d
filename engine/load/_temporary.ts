/** Temporary files that the runtime maps: gone when they are no longer needed, or at the latest by a later run. */

/** Begins the names of all of them. */
const PREFIX = "sluice-weights-";

/** How long a file that nobody holds is left alone, in milliseconds: its maker may still be writing it. */
const YOUNG = 10 * 60 * 1000;

/** A new temporary file, which goes away with the stack. Those that killed runs have left behind are removed. */
export async function temporaryFile(stack: AsyncDisposableStack): Promise<string> {
  const path = Deno.realPathSync(await Deno.makeTempFile({ prefix: PREFIX }));
  // Where a mapped file cannot be removed, a later run does.
  stack.defer(() => Deno.remove(path).catch(() => {}));
  await sweep(path.slice(0, path.lastIndexOf(PREFIX)));
  return path;
}

/**
 * Shows other runs that a file is in use, until the stack is disposed of or this process ends, however it does. Shared,
 * so that the runtime may read it everywhere; only once it is written, since a lock forbids that on Windows.
 */
export async function hold(path: string, stack: AsyncDisposableStack): Promise<void> {
  const file = stack.use(await Deno.open(path, { read: true }));
  await file.lock(false);
}

/** Removes files that nobody holds any more. Whatever fails, such as on files of others, is left as it is. */
export async function sweep(folder: string, now: number = Date.now()): Promise<void> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.startsWith(PREFIX)) continue;
      const path = `${folder}${name}`;
      await removeIfLeft(path, now).catch(() => {});
    }
  } catch {
    // A folder that may be written need not be one that may be listed.
  }
}

async function removeIfLeft(path: string, now: number): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const { mtime } = await file.stat();
  if (mtime === null || now - mtime.getTime() < YOUNG) return;
  if (await file.tryLock(true)) await Deno.remove(path);
}
