/**
 * Weights in 4 or 8 bits: whole numbers and one scale for each block of a row, as ONNX Runtime's MatMulNBits reads
 * them (symmetric: the zero point is 2^(bits − 1)).
 */

import type { HostTensor } from "../tensor/mod.ts";
import { type Levels, quantizeRow, type StoredFloat, widening } from "./_quantize_rows.ts";

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

/** A weight in few bits. */
export interface FewBitsPair {
  /** `[out, blocks, block · bits / 8]`: whole numbers; of two that share a byte the first has the lower bits. */
  readonly weight: HostTensor<"uint8">;
  /** `[out · blocks]`: what the whole numbers of a block are multiplied by. */
  readonly scales: HostTensor<"float32" | "float16">;
}

/**
 * A matrix in few bits. Rows that end inside a block are filled with zeros.
 *
 * Throws a RangeError for a value that is not finite, or with scales in float16 one beyond that.
 *
 * @param tensor `[out, in]`
 * @param room where the weight goes, if not to memory of its own; of its length
 * @param first number of the first row, where these are some of a matrix: for errors
 */
export function quantize(
  tensor: HostTensor<StoredFloat>,
  form: FewBits,
  room?: Uint8Array,
  first = 0,
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
        `at [${first + r}, ${wrong}] is ${Number.isNaN(row[wrong]) ? "NaN" : "an infinity"}`,
      );
    }
  }
  if (dtype === "float16") checkReach(levels.scales, form, blocks, first);
  return {
    weight: { dtype: "uint8", shape: shapes.weight, data: levels.data },
    scales: { dtype, shape: shapes.scales, data: levels.scales } as FewBitsPair["scales"],
  };
}

/** The largest float16: products in that type widen weights to it. */
const LARGEST = 65504;

function checkReach(
  scales: Levels["scales"],
  { bits }: FewBits,
  blocks: number,
  first: number,
): void {
  const most = LARGEST / 2 ** (bits - 1);
  const at = scales.findIndex((scale) => Math.abs(scale) > most);
  if (at < 0) return;
  throw new RangeError(
    `row ${first + Math.floor(at / blocks)} holds values beyond float16's ${LARGEST}: use float32`,
  );
}
