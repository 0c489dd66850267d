import { WeightsError } from "./weight_file.ts";

/** Opens a file to read; errors as `WeightsError` that say what the user can mend. */
export async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    const file = await Deno.open(path, { read: true });
    if ((await file.stat()).isFile) return file;
    file.close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new WeightsError(path, "there is no such file", { cause: error });
    }
    throw new WeightsError(path, (error as Error).message, { cause: error });
  }
  throw new WeightsError(path, "expected a file, got something else (a folder?)");
}

/** Fills `target` from `offset` on; throws where the file ends before that. */
export async function readFully(
  file: Deno.FsFile,
  path: string,
  offset: number,
  target: Uint8Array,
  what: string,
): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  let done = 0;
  while (done < target.length) {
    const count = await file.read(target.subarray(done));
    if (count === null) {
      throw new WeightsError(
        path,
        `it ends inside ${what}: expected ${target.length} bytes at ${offset}, got ${done}`,
      );
    }
    done += count;
  }
}
