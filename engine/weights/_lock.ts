/** One process at a time: files that are locked while they are written. */

/**
 * Takes an open file for this process alone, until it is closed. False where another process has it, or had it and has
 * renamed or removed it since it was opened here: what is written would go into that one's file.
 */
export async function takeAlone(file: Deno.FsFile, path: string): Promise<boolean> {
  if (!await file.tryLock(true)) return false;
  const mine = await file.stat();
  const there = await Deno.stat(path).catch(() => undefined);
  if (there === undefined) return false;
  const known = mine.ino !== null && there.ino !== null;
  return !known || mine.ino === there.ino && mine.dev === there.dev;
}
