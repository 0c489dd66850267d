/** Parameters that do not lie in the weight file as the runtime is to have them. */

import type { ParameterData } from "../onnx/mod.ts";
import {
  checkRead,
  entryOf,
  type WeightEntry,
  type WeightFile,
  WeightsError,
} from "../weights/mod.ts";
import { hold, temporaryFile } from "./_temporary.ts";

/** Bytes that are put into the model itself; it must stay below 2 GiB, and more go to a file. */
const inlineLimit = 256 << 20;

/** Where parameters are, for one graph. */
export interface Placed {
  /** Folder that holds every location. */
  readonly folder: string;
  readonly data: ReadonlyMap<string, ParameterData>;
  /** Removes what was written for the loading; the runtime has it by then. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How parameters are placed. */
export interface PlaceOptions {
  /** Bytes that go into the model at most. Default: 256 MiB. */
  readonly limit?: number;
  /** Tensors that are to be cast to float16. Of those that are checked when they are read, what is beyond it is refused. */
  readonly inFloat16?: ReadonlySet<string>;
  /** Threads that make tensors, at most; more than 8 are 8. Default: the machine's. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many bytes of tensors that do not lie in place are there, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Says where each parameter is. Those that are not in place are read, one after another, into the model or,
 * where they are many, into a temporary file that the runtime maps as it does the checkpoint.
 *
 * @param names the graph's parameters
 */
export async function placeParameters(
  file: WeightFile,
  names: readonly string[],
  options: PlaceOptions = {},
): Promise<Placed> {
  const { limit = inlineLimit, signal } = options;
  const entries = names.map((name) => [name, entryOf(file, name)] as const);
  const paths = new Map<string, string>();
  for (const [, { path = file.path }] of entries) {
    if (!paths.has(path)) paths.set(path, Deno.realPathSync(path));
  }
  const away = entries.filter(([, { inPlace }]) => inPlace === false);
  const bytes = away.reduce((sum, [, { length }]) => sum + length, 0);
  await using stack = new AsyncDisposableStack();
  const spill = bytes > limit ? await write(file, away, stack, options) : undefined;
  if (paths.size === 0) paths.set(file.path, Deno.realPathSync(file.path));
  const folder = sharedFolder([...paths.values(), ...(spill ? [spill.path] : [])]);
  const data = new Map<string, ParameterData>();
  for (const [name, { dtype, path = file.path, offset, length, inPlace }] of entries) {
    const begin = spill?.offsets.get(name);
    if (spill && begin !== undefined) {
      data.set(name, { dtype, location: spill.path.slice(folder.length), offset: begin, length });
    } else if (inPlace === false) {
      signal?.throwIfAborted();
      data.set(name, { dtype, data: await readAway(file, name, options) });
    } else {
      data.set(name, { dtype, location: paths.get(path)!.slice(folder.length), offset, length });
    }
  }
  const owned = stack.move();
  return { folder, data, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A tensor's bytes. Nobody has looked through one that is checked when it is read for what float16 cannot hold. */
async function readAway(
  file: WeightFile,
  name: string,
  { inFloat16 }: PlaceOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { length, checked } = entryOf(file, name);
  const bytes = new Uint8Array(length);
  await file.readInto(name, bytes);
  if (checked && inFloat16?.has(name)) checkRead(file, name, bytes, { inFloat16 });
  return bytes;
}

/** Writes tensors to a file that goes away with the stack. */
async function write(
  file: WeightFile,
  entries: readonly (readonly [string, WeightEntry])[],
  stack: AsyncDisposableStack,
  options: PlaceOptions,
): Promise<{ readonly path: string; readonly offsets: ReadonlyMap<string, number> }> {
  const { signal, threads, onProgress } = options;
  const path = await temporaryFile(stack);
  const offsets = new Map<string, number>();
  let total = 0;
  for (const [name, { length }] of entries) {
    offsets.set(name, total);
    total += length;
  }
  let done = 0;
  const written = (bytes: number) => onProgress?.(done += bytes, total);
  const refused = (error: unknown) => {
    if (signal?.aborted || error instanceof WeightsError) return error;
    return new WeightsError(
      file.path,
      `${entries.length} of its tensors are put in order in ${path}, and that failed: ${
        (error as Error).message
      }; TMPDIR names another folder with room`,
      { cause: error },
    );
  };
  let made: ReadonlySet<string> | undefined;
  try {
    made = await file.writeMade?.(offsets, { path, threads, signal, written });
  } catch (error) {
    throw refused(error);
  }
  using to = await Deno.open(path, { write: true });
  for (const [name, { length }] of entries) {
    if (made?.has(name)) continue;
    signal?.throwIfAborted();
    const bytes = await readAway(file, name, options);
    try {
      await to.seek(offsets.get(name)!, Deno.SeekMode.Start);
      for (let at = 0; at < length;) at += await to.write(bytes.subarray(at));
    } catch (error) {
      throw refused(error);
    }
    written(length);
  }
  await hold(path, stack);
  return { path, offsets };
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** The innermost folder that files are in. */
function sharedFolder([first = "", ...others]: readonly string[]): string {
  let folder = folderOf(first);
  for (const other of others) {
    while (folder !== "" && !other.startsWith(folder)) folder = folderOf(folder.slice(0, -1));
    if (folder === "") {
      throw new TypeError(
        `cannot map ${first} and ${other} together: they are on different drives`,
      );
    }
  }
  return folder;
}
