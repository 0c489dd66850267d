/**
 * What the Wan VAE is made of. T frames, C channels, h × w cells; time lies in the batch axis.
 *
 * Source: Wan-Video/Wan2.1@9737cba9c1c3c4d04b33fcad41c111989865d315, wan/modules/vae.py.
 */

import {
  add,
  composedAttention,
  concat,
  conv,
  convOverTime,
  type Graph,
  l2Normalization,
  linear,
  mul,
  multiHeadAttention,
  pad,
  reshape,
  type Scope,
  silu,
  slice,
  split,
  transpose,
  type Value,
} from "../onnx/mod.ts";
import { inFloat32, inGraphType } from "./_islands.ts";
import type { AttentionKind } from "./_wan_block.ts";

/** Where a piece lies: all of its clip, its beginning, or somewhere behind that. */
export type ClipPart = "whole" | "first" | "next";

/** Frames that a convolution over time sees at once. */
const TAPS = 3;

/**
 * What convolutions over time have before a piece: zeros at a clip's beginning, then the last they have seen.
 *
 * A memory's successor is cut out of what the memory has been joined to, so it is written after the memory was
 * read: both may be bound to one buffer. At 832 × 480 that saves 3.8 GB.
 */
export class Past {
  readonly list: { name: string; shape: readonly number[] }[] = [];
  readonly #graph: Graph;
  readonly #part: ClipPart;

  constructor(graph: Graph, part: ClipPart) {
    this.#graph = graph;
    this.#part = part;
  }

  /** `x` behind the `count` frames before it. */
  before(scope: Scope, x: Value, count = TAPS - 1): Value {
    if (this.#part !== "next") return this.keep(scope, pad(x, 0, count), count);
    const memory = this.#graph.input(this.#nameOf(scope), x.dtype, x.dims.with(0, count));
    return this.keep(scope, concat([memory, x], 0), count);
  }

  /** Remembers the last `count` frames of `seen` for the next piece. */
  keep(scope: Scope, seen: Value, count: number): Value {
    if (this.#part === "whole") return seen;
    const [frames, ...rest] = seen.dims as number[] as [number, number, number, number];
    const name = this.#nameOf(scope);
    this.list.push({ name, shape: [count, ...rest] });
    this.#graph.output(`${name}.next`, slice(seen, 0, frames - count, frames));
    return seen;
  }

  #nameOf(scope: Scope): string {
    return `memory.${scope.prefix.slice(0, -1)}`;
  }
}

/**
 * Every frame but the clip's first becomes two: halves of the channels are the even and the odd frames. The
 * first frame is not in the convolution's past either: zeros are.
 */
export function doubleTime(scope: Scope, x: Value, past: Past, part: ClipPart): Value {
  const [frames, channels, height, width] = x.dims as [number, number, number, number];
  const doubled = (seen: Value, count: number) =>
    reshape(overTime(scope, seen, 2 * channels), [2 * count, channels, height, width]);
  if (part === "next") return doubled(past.before(scope, x), frames);
  const first = slice(x, 0, 0, 1);
  if (frames === 1) {
    // Nothing has come that the convolution sees.
    past.keep(scope, slice(pad(first, 0, TAPS - 1), 0, 0, TAPS - 1), TAPS - 1);
    return x;
  }
  const seen = past.before(scope, slice(x, 0, 1, frames));
  return concat([first, doubled(seen, frames - 1)], 0);
}

/** Two frames become one, the clip's first stays one: no zeros before it here, the frame itself. */
export function halveTime(scope: Scope, x: Value, past: Past, part: ClipPart): Value {
  const [frames, channels] = x.dims as [number, number, number, number];
  if (part === "next") return overTime(scope, past.before(scope, x, 1), channels, 2);
  past.keep(scope, x, 1);
  if (frames === 1) return x;
  return concat([slice(x, 0, 0, 1), overTime(scope, x, channels, 2)], 0);
}

/** The `time_conv` at `scope`: its kernel has no height and width. */
function overTime(scope: Scope, seen: Value, out: number, timeStride = 1): Value {
  const channels = seen.dims[1] as number;
  const weight = scope.parameter(
    "weight",
    [out, channels, TAPS, 1, 1],
    [out, channels * TAPS, 1, 1],
  );
  return convOverTime(seen, weight, scope.parameter("bias", [out]), { taps: TAPS, timeStride });
}

/** 3 × 3 × 3 convolution that sees a frame and the two before it. */
export function causalConv(scope: Scope, x: Value, out: number, past: Past): Value {
  const channels = x.dims[1] as number;
  const weight = scope.parameter(
    "weight",
    [out, channels, TAPS, 3, 3],
    [out, channels * TAPS, 3, 3],
  );
  const bias = scope.parameter("bias", [out]);
  return convOverTime(past.before(scope, x), weight, bias, { taps: TAPS, padding: 1 });
}

/** 1 × 1 × 1 convolution. */
export function pointwise(scope: Scope, x: Value, out: number): Value {
  const channels = x.dims[1] as number;
  const weight = scope.parameter("weight", [out, channels, 1, 1, 1], [out, channels, 1, 1]);
  return conv(x, weight, scope.parameter("bias", [out]));
}

export function conv2(
  scope: Scope,
  x: Value,
  out: number,
  options: Parameters<typeof conv>[3],
): Value {
  const weight = scope.parameter("weight", [out, x.dims[1] as number, 3, 3]);
  return conv(x, weight, scope.parameter("bias", [out]), options);
}

export function residualBlock(scope: Scope, x: Value, out: number, past: Past): Value {
  const residual = scope.at("residual");
  let y = causalConv(residual.at(2), silu(normed(residual.at(0), x)), out, past);
  y = causalConv(residual.at(6), silu(normed(residual.at(3), y)), out, past);
  return add(y, x.dims[1] === out ? x : pointwise(scope.at("shortcut"), x, out));
}

export function middle(scope: Scope, x: Value, past: Past, attention: AttentionKind): Value {
  const channels = x.dims[1] as number;
  x = residualBlock(scope.at(0), x, channels, past);
  x = attentionBlock(scope.at(1), x, attention);
  return residualBlock(scope.at(2), x, channels, past);
}

/** Attention of one head among the cells of each frame. */
function attentionBlock(scope: Scope, x: Value, attention: AttentionKind): Value {
  const [frames, channels, height, width] = x.dims as [number, number, number, number];
  const cells = height * width;
  const planes = reshape(normed(scope.at("norm"), x, 3), [frames, channels, cells]);
  const rows = reshape(transpose(planes, [0, 2, 1]), [frames * cells, channels]);
  const dense = (part: string, value: Value, out: number) => {
    const weight = scope.parameter(`${part}.weight`, [out, channels, 1, 1], [out, channels]);
    return linear(value, weight, scope.parameter(`${part}.bias`, [out]));
  };
  const [q, k, v] = split(dense("to_qkv", rows, 3 * channels), Array(3).fill(channels), 1)
    .map((part) => reshape(part, [frames, cells, channels])) as [Value, Value, Value];
  const mixed = attention === "composed"
    ? composedAttention(q, k, v, 1)
    : multiHeadAttention(q, k, v, 1);
  const out = dense("proj", reshape(mixed, [frames * cells, channels]), channels);
  const back = transpose(reshape(out, [frames, cells, channels]), [0, 2, 1]);
  return add(reshape(back, [frames, channels, height, width]), x);
}

/** x over its length along the channels, · √C · gamma. `rank`: of gamma in the checkpoint. */
export function normed(scope: Scope, x: Value, rank: 3 | 4 = 4): Value {
  const channels = x.dims[1] as number;
  const stored = [channels, ...Array<number>(rank - 1).fill(1)];
  const gamma = scope.parameter("gamma", stored, [channels, 1, 1]);
  const unit = inGraphType(l2Normalization(inFloat32(x), 1));
  return mul(unit, mul(gamma, Math.sqrt(channels)));
}
