/** The text encoder's graph, with its weights as they are stored or in few bits. */

import { type Product, type Umt5Config, umt5Encoder } from "../../engine/networks/mod.ts";
import { type Graph, linearNBits } from "../../engine/onnx/mod.ts";
import { type FewBits, fewBitsShapes, scalesName } from "../../engine/weights/mod.ts";
import { isLarge, type TextForm } from "./form.ts";

/**
 * Weights that share a scale. 32 costs 2 bytes more for 32 weights than one scale a row would, and has the least
 * error of the sizes that kernels have fast ways for (bench/quantized.bench.ts prints 32, 64 and 128).
 */
const BLOCK = 32;

/** A graph, and the form each of its weights in few bits is to be brought into, by name. */
export interface TextNetwork {
  readonly graph: Graph;
  readonly forms: ReadonlyMap<string, FewBits>;
}

/**
 * Builds the encoder. In few bits are the matrices of the Linear layers, which hold four fifths of UMT5-XXL's
 * weights; the table of the vocabulary, which is only gathered from, and the norms stay as they are stored.
 */
export function textNetwork(
  sizes: Umt5Config,
  { dtype, bits }: TextForm,
  block: number = BLOCK,
): TextNetwork {
  const forms = new Map<string, FewBits>();
  const keepBiases = !isLarge(sizes);
  if (bits === undefined) return { graph: umt5Encoder(sizes, { dtype, keepBiases }), forms };
  const product: Product = (scope, x, out) => {
    const form: FewBits = { bits, block, scales: x.dtype === "float16" ? "float16" : "float32" };
    const shapes = fewBitsShapes([out, x.dims[1] as number], form);
    const weight = scope.parameter("weight", shapes.weight, undefined, "uint8");
    const scales = scope.parameter(scalesName("weight"), shapes.scales, undefined, form.scales);
    forms.set(`${scope.prefix}weight`, form);
    return linearNBits(x, weight, scales, form);
  };
  return { graph: umt5Encoder(sizes, { dtype, product, keepBiases }), forms };
}
