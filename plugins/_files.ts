/** Files that options name, opened with errors that say what to do. */

import { fromFileUrl, isAbsolute, join } from "@std/path";
import {
  openWeightFile,
  publishedFile,
  splitWeightSpec,
  type WeightFile,
  WeightsError,
} from "../engine/weights/mod.ts";
import { UserError } from "../pipeline/errors.ts";

/** What to open, and whose it is. */
export interface FileRequest {
  /** The plugin and option that name the file, such as `diffuse.weights`. */
  readonly option: string;
  /** As the user wrote it; relative ones start from `directory`. */
  readonly path: string | undefined;
  /** The file of the network itself, where it has one. */
  readonly builtIn: URL | undefined;
  readonly network: string;
  readonly directory: string;
}

/**
 * The path of a file that must be there.
 *
 * @param written the path as the user wrote it, if `request` has another
 */
export function locate(request: FileRequest, written = request.path): string {
  const { option, path, builtIn, network, directory } = request;
  if (path === undefined && builtIn === undefined) {
    throw new UserError(
      `The network "${network}" has no file of its own here for ${option}: name the one you have, ` +
        `as ${option.split(".")[1]}: <file> in a config or --set ${option}=<file>.`,
    );
  }
  const found = path === undefined
    ? fromFileUrl(builtIn!)
    : isAbsolute(path)
    ? path
    : join(directory, path);
  try {
    if (Deno.statSync(found).isFile) return found;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new UserError(`Cannot read ${option} (${found}): ${(error as Error).message}`, {
        cause: error,
      });
    }
    const published = publishedFile(found);
    const remedy = published
      ? ` To get it: sluice models pull ${published.model.name}`
      : written === undefined || isAbsolute(written)
      ? ""
      : ` Relative paths start from ${directory}.`;
    throw new UserError(`There is no file ${found}, which ${option} names.${remedy}`, {
      cause: error,
    });
  }
  throw new UserError(`${found}, which ${option} names, is no file.`);
}

/**
 * Opens a file of weights: safetensors or a torch checkpoint, `#key` choosing one of several sets of weights in it.
 */
export async function openWeights(request: FileRequest): Promise<WeightFile> {
  if (request.path === undefined) return await mending(() => openWeightFile(locate(request)));
  const { path, key } = splitWeightSpec(
    isAbsolute(request.path) ? request.path : join(request.directory, request.path),
  );
  const found = locate({ ...request, path }, request.path);
  return await mending(() => openWeightFile(key === undefined ? found : `${found}#${key}`));
}

/** Runs something that looks at weights; what is wrong with them is the user's to mend. */
export async function mending<T>(look: () => T | Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof WeightsError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}
