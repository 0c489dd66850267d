/**
 * Weights in 4 or 8 bits: whole numbers and one scale for each block of a row, as ONNX Runtime's MatMulNBits reads
 * them (symmetric: the zero point is 2^(bits − 1)).
 */

import { bytesOf, formatShape, type HostTensor } from "../tensor/mod.ts";
import { type Levels, quantizeRow, type StoredFloat, widening } from "./_quantize_rows.ts";
import { show } from "./_safetensors_header.ts";
import { entryOf, type WeightEntry, type WeightFile, WeightsError } from "./weight_file.ts";

/** The form that a weight `[out, in]` is brought into. */
export interface FewBits {
  /** Bits of one weight. */
  readonly bits: 4 | 8;
  /** Weights along a row that share a scale: a power of two, at least 16. */
  readonly block: number;
  /** Element type of the scales: that of the product they are for. */
  readonly scales: "float32" | "float16";
}

/** The name under which the scales of a weight are. */
export function scalesName(name: string): string {
  return `${name}_scales`;
}

/** Shapes of what a weight `[out, in]` becomes. */
export function fewBitsShapes(
  [out, inner]: readonly [number, number],
  { bits, block }: Pick<FewBits, "bits" | "block">,
): { readonly weight: readonly [number, number, number]; readonly scales: readonly [number] } {
  const blocks = Math.ceil(inner / block);
  return { weight: [out, blocks, block * bits / 8], scales: [out * blocks] };
}

const stored: ReadonlySet<string> = new Set<StoredFloat>(["float32", "float16", "bfloat16"]);

/**
 * A file some of whose weights are given in few bits: under its own name uint8 `[out, blocks, block · bits / 8]`, and
 * its scales `[out · blocks]` beside it (`scalesName`). They are made when they are read, one tensor at a time, and
 * have `inPlace: false`; all other tensors stay where they lie.
 *
 * Throws a `WeightsError` for a tensor that is no matrix of float32, float16 or bfloat16, and when one is read that
 * holds something that is not finite, or with scales in float16 something beyond that.
 *
 * @param forms by the names of the tensors
 */
export function quantized(file: WeightFile, forms: ReadonlyMap<string, FewBits>): WeightFile {
  const tensors = new Map<string, WeightEntry>();
  for (const name of forms.keys()) entryOf(file, name);
  for (const [name, entry] of file.tensors) {
    const form = forms.get(name);
    if (!form) {
      tensors.set(name, entry);
      continue;
    }
    const { dtype, shape, offset } = entry;
    if (shape.length !== 2 || !stored.has(dtype)) {
      throw new WeightsError(
        file.path,
        `tensor ${
          show(name)
        } cannot be kept in ${form.bits} bits: expected a matrix of float32, float16 or ` +
          `bfloat16, got ${dtype} ${formatShape(shape)}`,
      );
    }
    const shapes = fewBitsShapes(shape as unknown as [number, number], form);
    const away = { offset, inPlace: false, checked: true } as const;
    const [out, blocks, bytes] = shapes.weight;
    tensors.set(name, {
      ...away,
      dtype: "uint8",
      shape: shapes.weight,
      length: out * blocks * bytes,
    });
    const size = form.scales === "float16" ? 2 : 4;
    const scales = { dtype: form.scales, shape: shapes.scales, length: out * blocks * size };
    tensors.set(scalesName(name), { ...away, ...scales });
  }
  // A weight is read, then its scales, which are made with it and kept until they are asked for.
  let waiting: { readonly owner: string; readonly scales: FewBitsPair["scales"] } | undefined;
  const owners = new Map([...forms.keys()].map((name) => [scalesName(name), name]));
  async function weightOf(name: string, room?: Uint8Array): Promise<FewBitsPair["weight"]> {
    waiting = undefined;
    const { weight, scales } = await make(file, name, forms.get(name)!, room);
    waiting = { owner: name, scales };
    return weight;
  }
  async function scalesOf(owner: string): Promise<FewBitsPair["scales"]> {
    if (waiting?.owner !== owner) await weightOf(owner);
    const { scales } = waiting!;
    waiting = undefined;
    return scales;
  }
  const result: WeightFile = {
    path: file.path,
    metadata: file.metadata,
    tensors,
    async read(name) {
      if (forms.has(name)) return await weightOf(name);
      const owner = owners.get(name);
      return owner === undefined ? await file.read(name) : await scalesOf(owner);
    },
    async readInto(name, target) {
      const owner = owners.get(name);
      if (owner === undefined && !forms.has(name)) return await file.readInto(name, target);
      const { length } = entryOf(result, name);
      if (target.length !== length) {
        throw new RangeError(
          `cannot read tensor ${
            show(name)
          }: expected room for ${length} bytes, got ${target.length}`,
        );
      }
      if (owner === undefined) await weightOf(name, target);
      else target.set(bytesOf(await scalesOf(owner)));
    },
  };
  return result;
}

/** A weight in few bits. */
export interface FewBitsPair {
  /** `[out, blocks, block · bits / 8]`: whole numbers; of two that share a byte the first has the lower bits. */
  readonly weight: HostTensor<"uint8">;
  /** `[out · blocks]`: what the whole numbers of a block are multiplied by. */
  readonly scales: HostTensor<"float32" | "float16">;
}

async function make(
  file: WeightFile,
  name: string,
  form: FewBits,
  room: Uint8Array | undefined,
): Promise<FewBitsPair> {
  const tensor = await file.read(name) as HostTensor<StoredFloat>;
  try {
    return quantize(tensor, form, room);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new WeightsError(
      file.path,
      `tensor ${show(name)} cannot be kept in ${form.bits} bits: ${error.message}`,
      { cause: error },
    );
  }
}

/**
 * A matrix in few bits. Rows that end inside a block are filled with zeros.
 *
 * Throws a RangeError for a value that is not finite, or with scales in float16 one beyond that.
 *
 * @param tensor `[out, in]`
 * @param room where the weight goes, if not to memory of its own; of its length
 */
export function quantize(
  tensor: HostTensor<StoredFloat>,
  form: FewBits,
  room?: Uint8Array,
): FewBitsPair {
  const { block, bits, scales: dtype } = form;
  const [out, inner] = tensor.shape as unknown as [number, number];
  const shapes = fewBitsShapes([out, inner], form);
  const blocks = shapes.weight[1];
  const width = blocks * block;
  const levels: Levels = {
    data: room ?? new Uint8Array(out * width * bits / 8),
    scales: new (dtype === "float16" ? Float16Array : Float32Array)(out * blocks),
  };
  const widen = widening(tensor);
  const row = new Float32Array(width);
  for (let r = 0; r < out; r++) {
    widen(row, r * inner, inner);
    const place = { at: r * width * bits / 8, scale: r * blocks };
    const wrong = quantizeRow(row, block, bits, levels, place);
    if (wrong >= 0) {
      throw new RangeError(
        `at [${r}, ${wrong}] is ${Number.isNaN(row[wrong]) ? "NaN" : "an infinity"}`,
      );
    }
  }
  if (dtype === "float16") checkReach(levels.scales, form, blocks);
  return {
    weight: { dtype: "uint8", shape: shapes.weight, data: levels.data },
    scales: { dtype, shape: shapes.scales, data: levels.scales } as FewBitsPair["scales"],
  };
}

/** The largest float16: products in that type widen weights to it. */
const LARGEST = 65504;

function checkReach(scales: Levels["scales"], { bits }: FewBits, blocks: number): void {
  const most = LARGEST / 2 ** (bits - 1);
  const at = scales.findIndex((scale) => Math.abs(scale) > most);
  if (at < 0) return;
  throw new RangeError(
    `row ${Math.floor(at / blocks)} holds values beyond float16's ${LARGEST}: use float32`,
  );
}
