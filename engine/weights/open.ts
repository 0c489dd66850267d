/** Any file of weights, by what it holds and not by how it is called. */

import { openFile } from "./_read.ts";
import { show } from "./_safetensors_header.ts";
import { openSafetensors } from "./safetensors.ts";
import { openSharded } from "./sharded.ts";
import { openTorch } from "./torch.ts";
import {
  entryOf,
  parameters,
  type WeightEntry,
  type WeightFile,
  WeightsError,
} from "./weight_file.ts";

/** A file's path, and what in it is meant. */
export interface WeightSpec {
  /** Of the file, without the key. */
  readonly path: string;
  /** Dotted name of a container, such as `generator_ema`. */
  readonly key?: string;
}

/** How names are found in other networks' wrappings. */
export interface OpenWeightOptions {
  /** Whether all is given as it is in the file, no container chosen and no prefix removed. Default: false. */
  readonly whole?: boolean;
}

/** Segments that wrappers of training put anywhere into names: FSDP, activation checkpointing, `torch.compile`. */
const wrappers = ["_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_orig_mod"];

/** Prefixes that a file may have in front of all of its names; the network's own names have none of them. */
const prefixes = ["module.", "model.", "diffusion_model."];

/** How many names a message shows. */
const shown = 12;

/**
 * Splits `file.pt#generator_ema` at its last `#`. A path that names a file as it is has no key.
 */
export function splitWeightSpec(spec: string): WeightSpec {
  const at = spec.lastIndexOf("#");
  if (at < 0 || isFile(spec)) return { path: spec };
  return { path: spec.slice(0, at), key: spec.slice(at + 1) };
}

/**
 * Opens a safetensors file, the index of several of them or a torch checkpoint and gives the tensors under the network's names:
 *
 * 1. `#key` chooses what lies in a container: tensors whose names begin with `key.`, without that. A
 *    checkpoint all of whose tensors lie in one container needs no key; one with several does.
 * 2. The segments `_fsdp_wrapped_module`, `_checkpoint_wrapped_module` and `_orig_mod` are removed wherever
 *    they are.
 * 3. `module.`, `model.` and `diffusion_model.` are removed from the front where every name begins so, again
 *    and again.
 *
 * @param spec a path, or a path and `#key`
 */
export async function openWeightFile(
  spec: string,
  { whole = false }: OpenWeightOptions = {},
): Promise<WeightFile> {
  const { path, key } = splitWeightSpec(spec);
  const file = await openers[await formatOf(path)](path);
  const chosen = key === undefined ? whole ? file : onlyGroup(file) : inside(file, key);
  return whole ? chosen : unwrapped(chosen);
}

/** What a file of weights may be: `index` names several safetensors files. */
export type WeightFormat = "safetensors" | "torch" | "index";

const openers: Readonly<Record<WeightFormat, (path: string) => Promise<WeightFile>>> = {
  safetensors: openSafetensors,
  torch: openTorch,
  index: openSharded,
};

/** What a file begins as; the name counts where that says nothing. */
export async function formatOf(path: string): Promise<WeightFormat> {
  using file = await openFile(path);
  const head = new Uint8Array(16);
  const length = await file.read(head) ?? 0;
  const begins = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  // First of all, since the low bytes of a header's length may be any, those of a zip or a pickle too.
  const small = head.subarray(4, 8).every((byte) => byte === 0);
  if (length > 8 && small && head[8] === 0x7b) return "safetensors"; // {
  if (begins(0x50, 0x4b) || begins(0x80)) return "torch";
  if (begins(0x7b) && path.endsWith(".json")) return "index";
  const extension = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase();
  if (extension === "safetensors") return "safetensors";
  if (["pt", "pth", "ckpt", "bin"].includes(extension ?? "")) return "torch";
  throw new WeightsError(
    path,
    "it begins neither as a safetensors file nor as a torch checkpoint: expected one of those, or an index of " +
      "safetensors files (.safetensors.index.json)",
  );
}

function inside(file: WeightFile, key: string): WeightFile {
  const chosen = parameters(file, `${key}.`);
  if (key !== "" && chosen.tensors.size > 0) return chosen;
  const groups = groupsOf(file);
  throw new WeightsError(
    file.path,
    `there is nothing under #${key}: ` +
      (groups.length > 0
        ? `expected ${listed(groups.map((group) => `#${group}`))}`
        : `its ${file.tensors.size} tensors lie in no container; leave out #${key}`),
  );
}

function onlyGroup(file: WeightFile): WeightFile {
  const { groups = [] } = file;
  const grouped = [...file.tensors.keys()].every((name) =>
    groups.some((group) => name.startsWith(`${group}.`))
  );
  if (groups.length === 0 || !grouped) return file;
  if (groups.length === 1) return parameters(file, `${groups[0]}.`);
  throw new WeightsError(
    file.path,
    `it holds several sets of weights: choose one, as ${file.path}#${groups[0]}; there are ${
      listed(groups.map((group) => `#${group}`))
    }`,
  );
}

/** Containers, or what stands before the first dots of the names. */
function groupsOf(file: WeightFile): readonly string[] {
  if (file.groups) return file.groups;
  const firsts = [...file.tensors.keys()].filter((name) => name.includes("."))
    .map((name) => name.slice(0, name.indexOf(".")));
  return [...new Set(firsts)];
}

function unwrapped(file: WeightFile): WeightFile {
  const originals = new Map<string, string>();
  for (const name of file.tensors.keys()) {
    const bare = name.split(".").filter((segment) => !wrappers.includes(segment)).join(".");
    if (originals.has(bare)) {
      throw new WeightsError(
        file.path,
        `its tensors ${show(originals.get(bare)!)} and ${show(name)} are both ${show(bare)}`,
      );
    }
    originals.set(bare, name);
  }
  let cut = 0;
  const names = [...originals.keys()];
  const common = () =>
    prefixes.find((prefix) => names.every((name) => name.startsWith(prefix, cut)));
  for (let prefix = names.length > 0 ? common() : undefined; prefix; prefix = common()) {
    cut += prefix.length;
  }
  return renamed(file, new Map(names.map((name) => [name.slice(cut), originals.get(name)!])));
}

/** A file's tensors under other names. @param originals the file's names by the new ones */
function renamed(file: WeightFile, originals: ReadonlyMap<string, string>): WeightFile {
  const tensors = new Map<string, WeightEntry>(
    [...originals].map(([name, original]) => [name, file.tensors.get(original)!]),
  );
  const original = (name: string) => {
    entryOf(result, name);
    return originals.get(name)!;
  };
  const result: WeightFile = {
    path: file.path,
    metadata: file.metadata,
    tensors,
    read: async (name) => await file.read(original(name)),
    readInto: async (name, target) => await file.readInto(original(name), target),
  };
  return result;
}

function listed(names: readonly string[]): string {
  return names.slice(0, shown).join(", ") + (names.length > shown ? ", …" : "");
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
