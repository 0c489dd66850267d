/**
 * The UMT5 text encoder. T tokens, D channels, N heads of H channels.
 *
 * Source: guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1, wan/modules/t5.py (T5Encoder) and
 * utils/wan_wrapper.py (WanTextEncoder). Parameters are named as models_t5_umt5-xxl-enc-bf16.pth names them.
 *
 * In a float16 graph the Linear layers compute in 16 bits, and all else in float32: T5 was trained in bfloat16, its
 * activations between the layers grow beyond float16's 65504, and scores are not scaled.
 */

import {
  add,
  cast,
  composedAttention,
  div,
  gather,
  gelu,
  Graph,
  largestMagnitude,
  linear,
  mul,
  reshape,
  rmsNormalization,
  Scope,
  slice,
  sub,
  transpose,
  type Value,
} from "../onnx/mod.ts";
import { inFloat32, inGraphType, type Precision } from "./_islands.ts";

/** Sizes of a UMT5 encoder. */
export interface Umt5Config {
  /** Rows of the table of tokens. */
  readonly vocab: number;
  /** Channels of a token. */
  readonly dim: number;
  /** Channels of all heads of attention together. */
  readonly dimAttn: number;
  /** Channels in the middle of a block's feed-forward part. */
  readonly dimFfn: number;
  /** Heads of attention; `dimAttn / numHeads` channels each. */
  readonly numHeads: number;
  /** Blocks, one after the other. */
  readonly numLayers: number;
  /** Buckets of relative positions, both directions together. */
  readonly numBuckets: number;
  /** Token positions that are encoded, padding included. */
  readonly textLen: number;
}

/** How the encoder is built. */
export interface Umt5Options {
  /** Token positions; default: the config's. */
  readonly length?: number;
  /** Rows of padding: `zero` (default), as the diffusion model takes them, or `keep` what the network makes of them. */
  readonly padding?: "zero" | "keep";
  /** How x · weightᵀ of the Linear at a scope is built; default: one product. See `Product`. */
  readonly product?: Product;
  /**
   * Whether the runtime may make the position biases of all layers when it loads the graph, and keep them, as it does
   * with whatever depends on no input: N · T · T floats a layer, 1.6 GB with UMT5-XXL. Otherwise each run makes those
   * of a layer when they are needed. Default: true.
   */
  readonly keepBiases?: boolean;
  /** Element type of the products. Default: float32. */
  readonly dtype?: Precision;
}

/**
 * Builds x · weightᵀ, x `[T, in]`, of the Linear without bias at `scope`, to `[T, out]` in x's type: another one
 * than a plain product where the weights are kept in another form.
 */
export type Product = (scope: Scope, x: Value, out: number) => Value;

const EPS = 1e-6;
/** Relative positions beyond this share the last bucket of their direction (t5.py, T5RelativeEmbedding). */
const MAX_DISTANCE = 128;
/** Added to the scores of masked keys: the most negative finite float32. */
const MASKED = -3.4028234663852886e38;

/**
 * The encoder for texts of `length` positions.
 *
 * Inputs: `ids` int64 [T]; `mask` int64 [T], 1 for text and 0 for padding. Output: `embeddings` [T, D] in float32.
 */
export function umt5Encoder(config: Umt5Config, options: Umt5Options = {}): Graph {
  const {
    length = config.textLen,
    padding = "zero",
    product = plainProduct,
    keepBiases = true,
    dtype = "float32",
  } = options;
  const { vocab, dim, numLayers } = config;
  const graph = new Graph("umt5_encoder", dtype);
  const root = new Scope(graph);
  const ids = graph.input("ids", "int64", [length]);
  const mask = cast(graph.input("mask", "int64", [length]), "float32");

  // Nothing, but nothing that is known before the run.
  const zero = keepBiases ? undefined : mul(slice(mask, 0, 0, 1), 0);
  const buckets = graph.constant("int64", [length, length], relativeBuckets(length, config));
  // 0 for text, the most negative number for padding, of every key.
  const masked = reshape(mul(sub(1, mask), MASKED), [1, 1, 1, length]);

  const table = root.at("token_embedding").parameter("weight", [vocab, dim]);
  let x = inFloat32(gather(table, ids)); // [T, D]
  for (let layer = 0; layer < numLayers; layer++) {
    const scope = root.at("blocks", layer);
    const place = scope.at("pos_embedding", "embedding");
    const bias = add(positionBias(place, buckets, config, zero), masked);
    const attended = attention(
      scope.at("attn"),
      normed(scope.at("norm1"), x),
      bias,
      config,
      product,
    );
    x = add(x, attended);
    x = add(x, feedForward(scope.at("ffn"), normed(scope.at("norm2"), x), config, product));
  }
  const encoded = normed(root.at("norm"), x);
  graph.output(
    "embeddings",
    padding === "keep" ? encoded : mul(encoded, reshape(mask, [length, 1])),
  );
  return graph;
}

/** Bias of every pair of positions, [1, N, T, T]. */
function positionBias(
  scope: Scope,
  buckets: Value,
  { numBuckets, numHeads }: Umt5Config,
  zero: Value | undefined,
): Value {
  const table = scope.parameter("weight", [numBuckets, numHeads], undefined, "float32");
  const [length] = buckets.dims as [number];
  const bias = gather(zero ? add(table, zero) : table, buckets); // [T, T, N]
  return reshape(transpose(bias, [2, 0, 1]), [1, numHeads, length, length]);
}

/** Attention without 1 / √H: T5 has it in its initialisation. `x` is in float32, as what comes out. */
function attention(
  scope: Scope,
  x: Value,
  bias: Value,
  config: Umt5Config,
  product: Product,
): Value {
  const { dim, dimAttn, numHeads } = config;
  const [length] = x.dims as [number];
  const narrow = inGraphType(x);
  const [q, k, v] = ["q", "k", "v"].map((part) =>
    reshape(inFloat32(product(scope.at(part), narrow, dimAttn)), [1, length, dimAttn])
  ) as [Value, Value, Value];
  const mixed = composedAttention(q, k, v, numHeads, { scale: 1, bias });
  return scaledProduct(scope.at("o"), reshape(mixed, [length, dimAttn]), dim, product);
}

/** `x` is in float32, as what comes out. */
function feedForward(
  scope: Scope,
  x: Value,
  { dim, dimFfn }: Umt5Config,
  product: Product,
): Value {
  const narrow = inGraphType(x);
  const gate = gelu(inFloat32(product(scope.at("gate", 0), narrow, dimFfn)));
  const up = inFloat32(product(scope.at("fc1"), narrow, dimFfn));
  return scaledProduct(scope.at("fc2"), mul(up, gate), dim, product);
}

/**
 * A product whose operand may be beyond the graph's type: each row of x is divided by its largest magnitude before,
 * and what comes of it multiplied after. Both in float32.
 */
function scaledProduct(scope: Scope, x: Value, out: number, product: Product): Value {
  if (x.graph.dtype === "float32") return product(scope, x, out);
  const size = largestMagnitude(x, 1); // [T, 1]
  return mul(inFloat32(product(scope, inGraphType(div(x, size)), out)), size);
}

function plainProduct(scope: Scope, x: Value, out: number): Value {
  return linear(x, scope.parameter("weight", [out, x.dims[1] as number]));
}

function normed(scope: Scope, x: Value): Value {
  return rmsNormalization(x, scope.like(x).parameter("weight", [x.dims[1] as number]), EPS);
}

/** Bucket of every (query, key), row by row: exact near zero, logarithmic beyond, one half a direction. */
function relativeBuckets(length: number, { numBuckets }: Umt5Config): BigInt64Array {
  const result = new BigInt64Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      result[query * length + key] = BigInt(relativeBucket(key - query, numBuckets));
    }
  }
  return result;
}

/**
 * Bucket of a relative position, key minus query (t5.py, _relative_position_bucket; both directions).
 *
 * @returns 0 … buckets − 1
 */
export function relativeBucket(distance: number, buckets: number): number {
  const half = buckets / 2;
  const exact = half / 2;
  const far = Math.abs(distance);
  const grown = exact +
    Math.floor((Math.log(far / exact) / Math.log(MAX_DISTANCE / exact)) * (half - exact));
  return (distance > 0 ? half : 0) + (far < exact ? far : Math.min(half - 1, grown));
}
