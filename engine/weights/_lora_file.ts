/** What a LoRA file says: which weights it changes, and by what. */

import { elementCount, formatShape, isFloat, type Shape, toFloat32 } from "../tensor/mod.ts";
import { type LoraModules, type LoraPart, splitLoraName } from "./_lora_names.ts";
import { show } from "./_safetensors_header.ts";
import { entryOf, type WeightFile, WeightsError } from "./weight_file.ts";

/** Something that is added to one tensor. */
export interface Difference {
  readonly file: WeightFile;
  /** Factor of the product or of the whole difference. */
  readonly factor: number;
  /** `[rank, …in]` and `[out, rank]`. */
  readonly down?: string;
  readonly up?: string;
  /** Of the tensor's own shape. */
  readonly whole?: string;
}

/** How many names of each fault a message shows. */
const shown = 4;

/** Types that a sum can be rounded to. */
const mergeable: ReadonlySet<string> = new Set(["float32", "float16", "bfloat16"]);

/** What a LoRA adds, by the network's parameters. */
export async function readLora(
  base: WeightFile,
  modules: LoraModules,
  file: WeightFile,
  scale: number,
): Promise<Map<string, Difference>> {
  const parted = new Map<string, Map<LoraPart, string>>();
  const unknown: string[] = [];
  for (const name of file.tensors.keys()) {
    const split = splitLoraName(name);
    if (!split) {
      unknown.push(name);
      continue;
    }
    const parts = parted.get(split.module) ?? new Map<LoraPart, string>();
    if (parts.has(split.part)) unknown.push(name);
    parted.set(split.module, parts.set(split.part, name));
  }
  const strangers: string[] = [];
  const shapes: string[] = [];
  const halves: string[] = [];
  const types: string[] = [];
  const found = new Map<string, Difference>();
  function place(
    name: string,
    target: string,
    difference: Difference,
    fits: (shape: Shape) => boolean,
  ) {
    const entry = base.tensors.get(target);
    if (!entry) strangers.push(name);
    else if (!mergeable.has(entry.dtype)) types.push(`${name} (${entry.dtype})`);
    else if (!fits(entry.shape)) {
      const { up, down, whole } = difference;
      const shape = (of: string) => formatShape(entryOf(file, of).shape);
      const got = whole ? shape(whole) : `${shape(up!)} · ${shape(down!)}`;
      shapes.push(`${name} (expected ${formatShape(entry.shape)}, got ${got})`);
    } else found.set(target, difference);
  }
  for (const [spelling, parts] of parted) {
    const [down, up, alpha] = [parts.get("down"), parts.get("up"), parts.get("alpha")];
    const module = modules.find(spelling);
    if (module === undefined) {
      strangers.push(...parts.values());
      continue;
    }
    if ((down === undefined) !== (up === undefined)) halves.push((down ?? up)!);
    if (down !== undefined && up !== undefined) {
      const rank = entryOf(file, down).shape[0] ?? 0;
      const factor = scale * await strength(file, spelling, alpha, rank);
      place(
        down,
        `${module}.weight`,
        { file, factor, down, up },
        (shape) => fitsProduct(shape, entryOf(file, up).shape, entryOf(file, down).shape),
      );
    }
    for (const part of ["weight", "bias"] as const) {
      const whole = parts.get(part);
      if (whole === undefined) continue;
      if (part === "weight" && down !== undefined) {
        unknown.push(whole);
        continue;
      }
      const count = elementCount(entryOf(file, whole).shape);
      place(
        whole,
        `${module}.${part}`,
        { file, factor: scale, whole },
        (shape) => elementCount(shape) === count,
      );
    }
  }
  const problems = [
    listed("that the network does not have", strangers),
    listed("of another shape", shapes),
    listed("without its other half", halves),
    listed(
      "of a kind that is not known (expected lora_A and lora_B, lora_down and lora_up, diff)",
      unknown,
    ),
    listed("for weights that are no float32, float16 or bfloat16", types),
  ].filter((problem) => problem !== undefined);
  if (found.size === 0 && problems.length === 0) problems.push("it changes nothing");
  if (problems.length > 0) {
    throw new WeightsError(
      file.path,
      `as a LoRA they do not fit the network (is it made for another model?):\n  ${
        problems.join("\n  ")
      }`,
    );
  }
  return found;
}

/** alpha / rank. */
async function strength(
  file: WeightFile,
  module: string,
  alpha: string | undefined,
  rank: number,
): Promise<number> {
  if (alpha !== undefined) {
    const tensor = await file.read(alpha);
    if (tensor.data.length === 1) {
      return (isFloat(tensor.dtype) ? toFloat32(tensor)[0]! : Number(tensor.data[0])) / rank;
    }
    throw new WeightsError(
      file.path,
      `${show(alpha)} is no single number: got ${formatShape(tensor.shape)}`,
    );
  }
  const config = adapterConfig(file);
  const pattern = Object.entries(config.alpha_pattern ?? {}).find(([name]) =>
    module === name || module.endsWith(`.${name}`)
  );
  const given = Number(pattern?.[1] ?? config.lora_alpha ?? rank);
  if (!Number.isFinite(given)) {
    throw new WeightsError(file.path, `its metadata has an alpha that is no number`);
  }
  return given / (config.use_rslora === true ? Math.sqrt(rank) : rank);
}

interface AdapterConfig {
  readonly lora_alpha?: unknown;
  readonly alpha_pattern?: Readonly<Record<string, unknown>>;
  readonly use_rslora?: unknown;
}

/** PEFT's configuration, which diffusers keeps in the metadata with the transformer's prefix. */
function adapterConfig({ metadata }: WeightFile): AdapterConfig {
  const text = metadata.get("lora_adapter_metadata");
  if (text === undefined) {
    const alpha = metadata.get("lora_alpha");
    return alpha === undefined ? {} : { lora_alpha: alpha };
  }
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return Object.fromEntries(
      entries.map(([key, value]) => [key.replace(/^transformer\./, ""), value]),
    );
  } catch {
    return {};
  }
}

/** A convolution's matrices have the kernel's axes too: `[rank, in, t, h, w]` and `[out, rank, 1, 1, 1]`. */
function fitsProduct(shape: Shape, up: Shape, down: Shape): boolean {
  const [out = 0, ...inner] = shape;
  const [rank = 0, ...columns] = down;
  return shape.length > 1 && rank > 0 && up[0] === out && elementCount(up) === out * rank &&
    elementCount(columns) === elementCount(inner);
}

function listed(what: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const some = names.slice(0, shown).join(", ");
  return `${names.length} ${what}: ${some}${names.length > shown ? ", …" : ""}`;
}
