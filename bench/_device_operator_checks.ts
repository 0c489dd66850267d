/**
 * The operators of the networks at Wan2.1-1.3B's sizes, riskiest first. Only attention, convolutions and products in few
 * bits have kernels that are chosen by the card; the others are here to tell a wrong driver from a wrong kernel.
 */

import { type Precision, umt5Xxl, wan2_1_1_3b, wan2_1_vae } from "../engine/networks/mod.ts";
import {
  cast,
  composedAttention,
  conv,
  gelu,
  Graph,
  l2Normalization,
  layerNormalization,
  linear,
  linearNBits,
  mul,
  multiHeadAttention,
  rmsNormalization,
  rotaryEmbedding,
  upsampleNearest,
  type Value,
} from "../engine/onnx/mod.ts";
import type { SessionOptions } from "../engine/runtime/mod.ts";
import type { Bench, Check } from "./_device_check.ts";
import { operatorCheck } from "./_device_operators.ts";

const { dim, numHeads, ffnDim } = wan2_1_1_3b;

/** Tokens of a latent frame at 832 × 480: (480/16) · (832/16). */
const FRAME = 30 * 52;

const types = ["float32", "float16"] as const;

/** Sizes on a card, and small ones. */
const size = (bench: Bench, full: number, quick: number) => bench.quick ? quick : full;

/** Composed attention writes its scores down: some of the queries, so that it fits every card and WebGPU's buffers. */
const MOST_SCORES = 1 << 28;

/**
 * Queries of a quick run. CUDA's attention has another kernel for float32 below 256 of them (microsoft/onnxruntime,
 * kDefaultMinSeqLenForEfficientAttentionFp32), which no real chunk comes to.
 */
const fewQueries = ({ device }: Bench) => device.kind === "cuda" ? 288 : 48;

function attentionCheck(
  dtype: Precision,
  fused: boolean,
  what: string,
  sizes: (bench: Bench) => { queries: number; keys: number; width: number; heads: number },
): Check {
  const kind = fused ? "MultiHeadAttention" : "composed attention";
  return operatorCheck("attention", `${kind}, ${what}`, dtype, (bench) => {
    const { queries: all, keys, width, heads } = sizes(bench);
    const queries = fused ? all : Math.min(all, Math.floor(MOST_SCORES / (heads * keys)));
    const build = (type: Precision, rows: number, attend: typeof multiHeadAttention) => {
      const graph = new Graph("attention", type);
      const q = graph.input("q", type, [1, rows, width]);
      const [k, v] = ["k", "v"].map((name) => graph.input(name, type, [1, keys, width])) as [
        Value,
        Value,
      ];
      graph.output("mixed", attend(q, k, v, heads));
      return graph;
    };
    const unused = fused && bench.attention === "composed";
    return {
      build: (type, rows) => build(type, rows, fused ? multiHeadAttention : composedAttention),
      reference: (rows) => build("float32", rows, composedAttention),
      rows: queries,
      byRow: ["q"],
      unused,
      note: `${queries} × ${keys}${unused ? "; the networks do not use it here" : ""}`,
    };
  });
}

/** A query sees three chunks' keys, or the window full; and one head as wide as the Wan VAE's. */
const attention: readonly Check[] = [3, 9, 21].flatMap((frames) =>
  types.flatMap((dtype) =>
    [true, false].map((fused) =>
      attentionCheck(dtype, fused, `${frames} latent frames of keys`, (bench) => ({
        queries: size(bench, 3 * FRAME, fewQueries(bench)),
        keys: frames * size(bench, FRAME, 32),
        width: dim,
        heads: numHeads,
      }))
    )
  )
);
const vaeAttention: readonly Check[] = types.flatMap((dtype) =>
  [true, false].map((fused) =>
    attentionCheck(dtype, fused, "one head of 384", (bench) => ({
      queries: size(bench, 60 * 104, 2 * fewQueries(bench)),
      keys: size(bench, 60 * 104, 2 * fewQueries(bench)),
      width: 4 * wan2_1_vae.dim,
      heads: 1,
    }))
  )
);

/** One operator of rows that do not touch each other. */
function rowwise(
  name: string,
  full: number,
  width: number,
  apply: (x: Value, rows: number) => Value,
  more: readonly string[] = [],
): Check[] {
  return types.map((dtype) =>
    operatorCheck("products and norms", name, dtype, (bench) => ({
      rows: size(bench, full, 64),
      byRow: ["x", ...more],
      build(type, rows) {
        const graph = new Graph("rows", type);
        graph.output("y", apply(graph.input("x", type, [rows, width]), rows));
        return graph;
      },
    }))
  );
}

const rows: readonly Check[] = [
  ...types.map((dtype) =>
    operatorCheck("products and norms", "RotaryEmbedding, interleaved", dtype, (bench) => ({
      rows: size(bench, 3 * FRAME, 64),
      byRow: ["x", "cos", "sin"],
      build(type, count) {
        const graph = new Graph("rotary", type);
        const x = graph.input("x", type, [1, count, dim]);
        const [cos, sin] = ["cos", "sin"].map((name) =>
          graph.input(name, type, [count, dim / numHeads / 2])
        ) as [Value, Value];
        graph.output("y", rotaryEmbedding(x, cos, sin, numHeads));
        return graph;
      },
    }))
  ),
  ...rowwise(
    "RMSNorm",
    3 * FRAME,
    dim,
    (x) => rmsNormalization(x, x.graph.parameter("weight", [dim])),
  ),
  ...rowwise("LayerNorm", 3 * FRAME, dim, (x) => {
    const [weight, bias] = ["weight", "bias"].map((name) => x.graph.parameter(name, [dim]));
    return layerNormalization(x, weight!, bias!);
  }),
  ...rowwise(`Gemm ${dim} to ${ffnDim}`, 3 * FRAME, dim, (x) => {
    const { graph } = x;
    return linear(x, graph.parameter("weight", [ffnDim, dim]), graph.parameter("bias", [ffnDim]));
  }),
  ...rowwise(`Gemm ${ffnDim} to ${dim}`, 3 * FRAME, ffnDim, (x) => {
    const { graph } = x;
    return linear(x, graph.parameter("weight", [dim, ffnDim]), graph.parameter("bias", [dim]));
  }),
  ...rowwise("Gelu", 3 * FRAME, ffnDim, gelu),
];

/** A convolution as the Wan VAE's middle has it: three frames of channels, 3 × 3. */
function convCheck(name: string, dtype: Precision, options: SessionOptions, allowed?: number) {
  return operatorCheck("convolutions", name, dtype, (bench) => ({
    options,
    ...(allowed !== undefined && { allowed }),
    note: allowed === undefined && dtype === "float32" ? "1e-3 would mean TF32" : "",
    build(type) {
      const channels = size(bench, 4 * wan2_1_vae.dim, 32);
      const graph = new Graph("conv", type);
      const x = graph.input("x", type, [
        1,
        3 * channels,
        size(bench, 60, 20),
        size(bench, 104, 28),
      ]);
      const w = graph.parameter("weight", [channels, 3 * channels, 3, 3]);
      graph.output("y", conv(x, w, graph.parameter("bias", [channels]), { padding: 1 }));
      return graph;
    },
  }));
}

/** Graphs of pictures `[1, C, h, w]`, compared as a whole. */
function pictures(name: string, channels: number, apply: (x: Value) => Value, allowed?: number) {
  return types.map((dtype) =>
    operatorCheck("convolutions", name, dtype, (bench) => ({
      ...(allowed !== undefined && { allowed }),
      build(type) {
        const graph = new Graph("pictures", type);
        const dims = [1, channels, size(bench, 240, 20), size(bench, 416, 28)];
        graph.output("y", apply(graph.input("x", type, dims)));
        return graph;
      },
    }))
  );
}

const convolutions: readonly Check[] = [
  convCheck("Conv", "float32", {}),
  convCheck("Conv, TF32 asked for", "float32", { tf32: true }, 5e-3),
  convCheck("Conv, off the tensor cores (tf32: false)", "float16", { tf32: false }),
  convCheck("Conv, on the tensor cores (tf32: true)", "float16", { tf32: true }),
  // Values are moved, not computed with.
  ...pictures("Resize, nearest", 2 * wan2_1_vae.dim, (x) => upsampleNearest(x, 2), 0),
  ...pictures("Wan VAE's norm (ReduceSum)", wan2_1_vae.dim, (x) => {
    const { graph } = x;
    const gamma = graph.parameter("gamma", [wan2_1_vae.dim], [wan2_1_vae.dim, 1, 1]);
    const unit = cast(l2Normalization(cast(x, "float32"), 1), graph.dtype);
    return mul(unit, mul(gamma, Math.sqrt(wan2_1_vae.dim)));
  }),
];

/** As UMT5-XXL's feed-forward part, with as many tokens as a prompt may have. */
const fewBits: readonly Check[] = ([8, 4] as const).flatMap((bits) =>
  types.map((dtype) =>
    operatorCheck("few bits", `MatMulNBits, ${bits} bits`, dtype, (bench) => {
      const [inner, out] = [size(bench, umt5Xxl.dim, 512), size(bench, umt5Xxl.dimFfn, 256)];
      const block = 32;
      return {
        rows: size(bench, 512, 64),
        byRow: ["x"],
        note: `${inner} × ${out}`,
        build(type, count) {
          const graph = new Graph("few_bits", type);
          const x = graph.input("x", type, [count, inner]);
          const w = graph.parameter(
            "weight",
            [out, inner / block, block * bits / 8],
            undefined,
            "uint8",
          );
          const scales = graph.parameter("scales", [out * inner / block]);
          graph.output("y", linearNBits(x, w, scales, { bits, block }));
          return graph;
        },
      };
    })
  )
);

/** All of them. */
export const operatorChecks: readonly Check[] = [
  ...attention,
  ...vaeAttention,
  ...rows,
  ...convolutions,
  ...fewBits,
];
