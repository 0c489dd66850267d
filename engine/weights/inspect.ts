/** What a file of weights holds, in short. */

import { dtypes, elementCount } from "../tensor/mod.ts";
import { formatOf, openWeightFile, splitWeightSpec, type WeightFormat } from "./open.ts";
import type { WeightEntry } from "./weight_file.ts";

/** Tensors of one element type. */
export interface DTypeTotal {
  /** `float32`, `bfloat16` … */
  readonly dtype: string;
  /** How many there are. */
  readonly tensors: number;
  /** Elements of all of them. */
  readonly parameters: number;
  /** Bytes of all of them, dense. */
  readonly bytes: number;
}

/** Tensors whose names differ by numbers alone. */
export interface TensorFamily {
  /** With ranges for the numbers that differ: `blocks.0-29.self_attn.q.weight`. */
  readonly name: string;
  /** `float32`, `bfloat16` … */
  readonly dtype: string;
  /** Sizes of the axes of each. */
  readonly shape: readonly number[];
  /** How many there are. */
  readonly count: number;
  /** Whether their bytes lie in the file as they are used. */
  readonly inPlace: boolean;
}

/** What a file of weights holds. */
export interface WeightsReport {
  /** The file. */
  readonly path: string;
  /** The container that was asked for. */
  readonly key?: string;
  /** What the file is, whatever its name. */
  /** `index`: it names several safetensors files. */
  readonly format: WeightFormat;
  /** How many files the tensors lie in. */
  readonly files: number;
  /** Of the whole file, and of those that it names. */
  readonly bytes: number;
  /** Texts and numbers beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Outermost containers that `#key` can choose. */
  readonly groups: readonly string[];
  /** How many tensors there are. */
  readonly tensors: number;
  /** Elements of all tensors. */
  readonly parameters: number;
  /** In the order of the file. */
  readonly families: readonly TensorFamily[];
  /** Totals by element type. */
  readonly dtypes: readonly DTypeTotal[];
}

/**
 * Looks into a file: its tables alone are read. Names are the file's own, nothing stripped but `#key`.
 *
 * Throws a `WeightsError` as `openWeightFile` does.
 */
export async function inspectWeights(spec: string): Promise<WeightsReport> {
  const { path, key } = splitWeightSpec(spec);
  const file = await openWeightFile(spec, { whole: true });
  const entries = [...file.tensors.values()];
  const others = new Set(entries.flatMap(({ path }) => path ?? []));
  const sizes = await Promise.all([path, ...others].map((each) => Deno.stat(each)));
  const total = (some: readonly WeightEntry[]) =>
    some.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return {
    path,
    ...(key !== undefined && { key }),
    format: await formatOf(path),
    files: others.size || 1,
    bytes: sizes.reduce((sum, { size }) => sum + size, 0),
    metadata: Object.fromEntries(file.metadata),
    groups: file.groups ?? [],
    tensors: entries.length,
    parameters: total(entries),
    dtypes: dtypes.flatMap((dtype) => {
      const some = entries.filter((entry) => entry.dtype === dtype);
      if (some.length === 0) return [];
      const bytes = some.reduce((sum, { length }) => sum + length, 0);
      return [{ dtype, tensors: some.length, parameters: total(some), bytes }];
    }),
    families: foldNames(file.tensors),
  };
}

/** A family in the making: a name's segments, of which those that are numbers hold all that occur there. */
interface Family {
  readonly entry: WeightEntry;
  readonly segments: (string | Set<number>)[];
  count: number;
}

/**
 * Folds names that differ by numbers alone, one place after another from the left. Only what agrees everywhere
 * else is folded, so that a family's ranges name the tensors that are there and no others.
 */
export function foldNames(tensors: ReadonlyMap<string, WeightEntry>): TensorFamily[] {
  let families: Family[] = [...tensors].map(([name, entry]) => ({
    entry,
    segments: name.split(".").map((part) =>
      /^(0|[1-9]\d{0,8})$/.test(part) ? new Set([Number(part)]) : part
    ),
    count: 1,
  }));
  const longest = families.reduce((most, { segments }) => Math.max(most, segments.length), 0);
  for (let place = 0; place < longest; place++) families = foldAt(families, place);
  return families.map(({ entry: { dtype, shape, inPlace = true }, segments, count }) => ({
    name: segments.map((part) => typeof part === "string" ? part : rangesOf(part)).join("."),
    dtype,
    shape,
    count,
    inPlace,
  }));
}

function foldAt(families: readonly Family[], place: number): Family[] {
  const folded = new Map<string, Family>();
  for (const family of families) {
    const { entry: { dtype, shape, inPlace = true }, segments } = family;
    const numbers = segments[place];
    const key = JSON.stringify([
      dtype,
      shape,
      inPlace,
      segments.map((part, i) =>
        typeof part === "string" ? part : i === place ? 0 : [...part].sort((a, b) => a - b)
      ),
    ]);
    const before = folded.get(key)?.segments[place];
    if (typeof numbers === "object" && typeof before === "object") {
      for (const number of numbers) before.add(number);
      folded.get(key)!.count += family.count;
    } else folded.set(key, family);
  }
  return [...folded.values()];
}

/** `0-29`, or `0-3,7`. */
function rangesOf(numbers: ReadonlySet<number>): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}
