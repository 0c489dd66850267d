import { basename, dirname, join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";

/**
 * A file that appears under its name when it is complete: until then it has a temporary name in the
 * same folder, which is removed unless `commit` succeeds.
 */
export class OutputFile implements AsyncDisposable {
  readonly path: string;
  /** Where to write until `commit`. */
  readonly temporary: string;
  #file: Deno.FsFile | undefined;
  #madeFolder: string | undefined;
  #done = false;

  private constructor(path: string) {
    this.path = path;
    this.temporary = temporaryName(path);
  }

  /**
   * Makes the temporary file, and the folder it is in where only that one is missing.
   * @throws {UserError} if the path cannot be written
   */
  static async create(path: string, overwrite: boolean): Promise<OutputFile> {
    await checkTarget(path, overwrite);
    const output = new OutputFile(path);
    try {
      output.#madeFolder = await makeFolder(dirname(path));
      output.#file = await Deno.open(output.temporary, { write: true, createNew: true });
      return output;
    } catch (error) {
      await output[Symbol.asyncDispose]();
      throw explain(path, error);
    }
  }

  /** Appends bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#file!.write(bytes.subarray(at));
    } catch (error) {
      throw explain(this.path, error);
    }
  }

  /** Gives the file its name, in place of what had it. Gives its size in bytes. */
  async commit(): Promise<number> {
    try {
      const { size } = await Deno.stat(this.temporary);
      this.#closeFile();
      await Deno.rename(this.temporary, this.path);
      this.#done = true;
      return size;
    } catch (error) {
      throw explain(this.path, error);
    }
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closeFile();
    if (this.#done) return;
    this.#done = true;
    await removeQuietly(this.temporary);
    if (this.#madeFolder !== undefined) await removeQuietly(this.#madeFolder);
  }
}

/**
 * Refuses a path that cannot become a file, before any work is done.
 * @throws {UserError} naming the path and the way out
 */
export async function checkTarget(path: string, overwrite: boolean): Promise<void> {
  const there = await statOrUndefined(path);
  if (there?.isDirectory) {
    throw new UserError(
      `Cannot write ${path}: it is a folder, expected the name of a file. Add a file name to the path.`,
    );
  }
  if (there !== undefined && !overwrite) {
    throw new UserError(
      `Cannot write ${path}: it exists and overwrite is false. Choose another path, or set overwrite.`,
    );
  }
  await checkFolder(dirname(path), path);
  await checkWritable(path);
}

/** Makes a file where the output will go and removes it: what the system forbids shows at once. */
async function checkWritable(path: string): Promise<void> {
  const folder = dirname(path);
  // A folder that is yet to be made is tried where it will be.
  const trial = temporaryName(await statOrUndefined(folder) === undefined ? folder : path);
  try {
    (await Deno.open(trial, { write: true, createNew: true })).close();
  } catch (error) {
    throw explain(path, error);
  } finally {
    await removeQuietly(trial);
  }
}

/** @throws {UserError} unless `folder` is one, or can be made inside one */
export async function checkFolder(folder: string, path: string): Promise<void> {
  const there = await statOrUndefined(folder) ?? await statOrUndefined(dirname(folder));
  if (there === undefined) {
    throw new UserError(
      `Cannot write ${path}: neither the folder ${folder} nor the one above it exists. Make it first, or change the path.`,
    );
  }
  if (!there.isDirectory) {
    throw new UserError(
      `Cannot write ${path}: ${folder} is not a folder. Change the path.`,
    );
  }
}

/** Makes the last level of a folder; gives it back only if it was not there. */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    await Deno.mkdir(folder);
    return folder;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  }
}

/** A name beside `path` that no other run uses. */
export function temporaryName(path: string): string {
  const token = crypto.randomUUID().slice(0, 8);
  // A name may have 255 bytes: a long one is cut for its temporary form.
  return join(dirname(path), `.${basename(path).slice(0, 60)}.${token}.part`);
}

/** Removes a file or an empty folder; one that is gone, or not empty, is left. */
export async function removeQuietly(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // Nothing to remove, or somebody put something in it.
  }
}

/** A failure of the file system in the user's words. */
export function explain(path: string, error: unknown): Error {
  if (error instanceof UserError || !(error instanceof Error)) return error as Error;
  if (/no space left|os error 28|disk quota/i.test(error.message)) {
    return new Error(
      `Cannot write ${path}: No space left on device. Free some room, or write elsewhere.`,
      { cause: error },
    );
  }
  const mine = [
    Deno.errors.PermissionDenied,
    Deno.errors.NotCapable,
    Deno.errors.NotFound,
    Deno.errors.NotADirectory,
    Deno.errors.InvalidData,
  ].some((kind) => error instanceof kind) || /read-only|file name too long/i.test(error.message);
  const message = `Cannot write ${path}: ${error.message}. Choose a path that can be written.`;
  return mine ? new UserError(message, { cause: error }) : new Error(message, { cause: error });
}

async function statOrUndefined(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw explain(path, error);
  }
}
