/**
 * Safetensors in several files, as `*.safetensors.index.json` tells them: what huggingface_hub's
 * `save_torch_state_dict` and `transformers` write for large models.
 */

import { openFile, readFully } from "./_read.ts";
import { show } from "./_safetensors_header.ts";
import { openSafetensors } from "./safetensors.ts";
import { entryOf, type WeightEntry, type WeightFile, WeightsError } from "./weight_file.ts";

/** Longest index that is read, in bytes; those of the largest models have a few megabytes. */
const indexLimit = 50_000_000;

/** Most files that an index may name. */
const mostFiles = 1000;

/** How many names a message shows. */
const shown = 4;

/**
 * Opens an index and all files that it names, which lie beside it: the tables alone are read, as
 * `openSafetensors` does. The tensors are in the index's order, each with the `path` of its file.
 *
 * Throws a `WeightsError` that names the file and what is wrong with it: an index that is none, that
 * names a file elsewhere or one that is not there, and tensors that one of both knows alone.
 */
export async function openSharded(path: string): Promise<WeightFile> {
  const places = await readIndex(path);
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const files = new Map<string, WeightFile>();
  for (const name of new Set(places.values())) {
    files.set(name, await openNamed(path, folder, name));
  }
  const tensors = new Map<string, WeightEntry>();
  const missing: string[] = [];
  for (const [name, place] of places) {
    const file = files.get(place)!;
    const entry = file.tensors.get(name);
    if (entry) tensors.set(name, { ...entry, path: file.path });
    else missing.push(`${show(name)} in ${place}`);
  }
  const surplus = [...files].flatMap(([place, file]) =>
    [...file.tensors.keys()].filter((name) => places.get(name) !== place)
      .map((name) => `${show(name)} in ${place}`)
  );
  const problems = [
    listed("that are not where it says", missing),
    listed("that it does not name there", surplus),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) {
    throw new WeightsError(
      path,
      `its files are not those it was written for (are they of several versions?): there are ${
        problems.join("; ")
      }`,
    );
  }
  const [first] = files.values();
  const result: WeightFile = {
    path,
    metadata: first!.metadata,
    tensors,
    read: async (name) => await fileOf(name).read(name),
    readInto: async (name, target) => await fileOf(name).readInto(name, target),
  };
  function fileOf(name: string): WeightFile {
    entryOf(result, name);
    return files.get(places.get(name)!)!;
  }
  return result;
}

async function openNamed(index: string, folder: string, name: string): Promise<WeightFile> {
  try {
    return await openSafetensors(folder + name);
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    if (!(error.cause instanceof Deno.errors.NotFound)) throw error;
    throw new WeightsError(index, `its file ${name} is not beside it: expected all that it names`, {
      cause: error,
    });
  }
}

/** The names of files by those of tensors. */
async function readIndex(path: string): Promise<Map<string, string>> {
  using file = await openFile(path);
  const { size } = await file.stat();
  if (size > indexLimit) {
    throw new WeightsError(
      path,
      `it has ${size} bytes: expected an index of at most ${indexLimit}; is it one?`,
    );
  }
  const bytes = new Uint8Array(size);
  await readFully(file, path, 0, bytes, "the index");
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WeightsError(path, "it is no index of safetensors files: expected JSON", { cause });
  }
  const map = isRecord(index) && index.weight_map;
  if (!isRecord(map) || Object.keys(map).length === 0) {
    throw new WeightsError(
      path,
      "it is no index of safetensors files: expected weight_map, names of files by names of tensors",
    );
  }
  const places = new Map<string, string>();
  for (const [name, place] of Object.entries(map)) {
    // A name alone: an index is not to reach for files elsewhere.
    if (typeof place !== "string" || !/^[^/\\:\0]+\.safetensors$/.test(place)) {
      throw new WeightsError(
        path,
        `tensor ${show(name)} is said to be in ${
          show(String(place))
        }: expected the name of a safetensors file beside it`,
      );
    }
    places.set(name, place);
  }
  const count = new Set(places.values()).size;
  if (count > mostFiles) {
    throw new WeightsError(path, `it names ${count} files: expected at most ${mostFiles}`);
  }
  return places;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listed(what: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `${names.length} tensors ${what}: ${names.slice(0, shown).join(", ")}${
    names.length > shown ? ", …" : ""
  }`;
}
