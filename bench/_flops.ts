/**
 * What a graph asks of a machine, reckoned from its shapes alone: multiplications and additions of its products,
 * bytes that its nodes read and write, and how many kernels are started. No run is needed, and none is described:
 * a runtime that fuses nodes moves less.
 */

import type { Graph, Node, Value } from "../engine/onnx/mod.ts";
import { bytesPer } from "../engine/tensor/mod.ts";

/** What a node is, as far as its time goes. */
export type WorkKind =
  | "product"
  | "attention"
  | "convolution"
  | "norm"
  | "elementwise"
  | "cast"
  | "layout";

/** Sizes of symbolic axes, by name. */
export type Sizes = Readonly<Record<string, number>>;

/** What one node, or many, ask for. */
export interface Work {
  /** Floating-point operations of products, attention and convolutions; a multiply-add is two. */
  readonly flops: number;
  /** Bytes read and written, each operand once. */
  readonly bytes: number;
  /** Nodes that start something on the device. */
  readonly kernels: number;
}

/** The work of one node. */
export interface NodeWork extends Work {
  readonly node: Node;
  readonly kind: WorkKind;
}

const kinds: Readonly<Record<string, WorkKind>> = {
  Gemm: "product",
  MatMul: "product",
  MultiHeadAttention: "attention",
  Conv: "convolution",
  LayerNormalization: "norm",
  SimplifiedLayerNormalization: "norm",
  RMSNormalization: "norm",
  Softmax: "norm",
  ReduceSum: "norm",
  ReduceMean: "norm",
  Cast: "cast",
  Transpose: "layout",
  Slice: "layout",
  Concat: "layout",
  Expand: "layout",
  Split: "layout",
  Pad: "layout",
  Resize: "layout",
  Gather: "layout",
  ScatterND: "layout",
};

/** Operators that say how memory is seen: nothing runs. */
const views = new Set(["Reshape", "Identity", "Squeeze", "Unsqueeze"]);

/** The work of every node that runs. Nodes made of parameters and constants alone do not: they are folded on loading. */
export function workOf(graph: Graph, sizes: Sizes = {}): NodeWork[] {
  const folded = new Set<Value>(graph.constants.keys());
  for (const { value } of graph.parameters.values()) folded.add(value);
  const work: NodeWork[] = [];
  for (const node of graph.nodes) {
    if (node.inputs.every((value) => !value || folded.has(value))) {
      for (const value of node.outputs) folded.add(value);
    } else if (!views.has(node.operator)) {
      const kind = kinds[node.operator] ?? "elementwise";
      const bytes = bytesMoved(node, sizes);
      work.push({ node, kind, flops: flopsOfNode(node, sizes), bytes, kernels: 1 });
    }
  }
  return work;
}

/** All of it together, `times` times. */
export function sumWork(parts: Iterable<Work>, times = 1): Work {
  let [flops, bytes, kernels] = [0, 0, 0];
  for (const part of parts) {
    flops += part.flops;
    bytes += part.bytes;
    kernels += part.kernels;
  }
  return { flops: flops * times, bytes: bytes * times, kernels: kernels * times };
}

/** Floating-point operations of a graph's products, attention and convolutions; a multiply-add is two. */
export function flopsOf(graph: Graph, sizes: Sizes = {}): number {
  return graph.nodes.reduce((sum, node) => sum + flopsOfNode(node, sizes), 0);
}

function flopsOfNode({ operator, inputs, outputs }: Node, sizes: Sizes): number {
  const out = countOf(outputs[0]!, sizes);
  switch (operator) {
    case "Gemm":
    case "MatMul":
      return 2 * out * dimsOf(inputs[0]!, sizes).at(-1)!;
    case "Conv":
      return 2 * out * dimsOf(inputs[1]!, sizes).slice(1).reduce((a, b) => a * b, 1);
    case "MultiHeadAttention":
      // q·kᵀ and scores·v: each output element is a sum over all keys, twice.
      return 4 * out * dimsOf(inputs[1]!, sizes)[1]!;
    default:
      return 0;
  }
}

function bytesMoved({ operator, inputs, outputs }: Node, sizes: Sizes): number {
  const written = sum(outputs.map((value) => bytesOf(value, sizes)));
  switch (operator) {
    case "Expand":
      return written;
    // They read as much as they write, whatever the size of what they read from.
    case "Slice":
    case "Gather":
      return 2 * written;
    // Rows are replaced where they lie.
    case "ScatterND":
      return 2 * bytesOf(inputs[2]!, sizes) + bytesOf(inputs[1]!, sizes);
    default: {
      const read = new Set(inputs.filter((value) => value !== undefined));
      return written + sum(Array.from(read, (value) => bytesOf(value, sizes)));
    }
  }
}

/**
 * Bytes of the results that are alive at the same time, at most, as the nodes stand in order: about what a runtime
 * plans for. Views and caches that are updated in place cost nothing, nor do inputs and outputs: those are bound.
 */
export function plannedBytes(graph: Graph, sizes: Sizes = {}): number {
  const storage = new Map<Value, Value>();
  const rootOf = (value: Value) => storage.get(value) ?? value;
  for (const { operator, inputs, outputs } of graph.nodes) {
    const shared = views.has(operator) || operator === "ScatterND";
    for (const value of outputs) storage.set(value, shared ? rootOf(inputs[0]!) : value);
  }
  const bound = new Set<Value>(graph.outputs.map(({ value }) => rootOf(value)));
  const last = new Map<Value, number>();
  graph.nodes.forEach(({ inputs, outputs }, i) => {
    for (const value of [...inputs, ...outputs]) if (value) last.set(rootOf(value), i);
  });
  const freed = new Map<number, number>();
  let [alive, most] = [0, 0];
  graph.nodes.forEach(({ outputs }, i) => {
    for (const value of outputs) {
      if (rootOf(value) !== value || bound.has(value)) continue;
      const bytes = bytesOf(value, sizes);
      alive += bytes;
      const end = last.get(value)!;
      freed.set(end, (freed.get(end) ?? 0) + bytes);
    }
    most = Math.max(most, alive);
    alive -= freed.get(i) ?? 0;
  });
  return most;
}

/** Bytes of a value. */
export function bytesOf(value: Value, sizes: Sizes = {}): number {
  return countOf(value, sizes) * bytesPer(value.dtype);
}

/** A value's shape with its symbolic sizes filled in. */
export function dimsOf(value: Value, sizes: Sizes = {}): number[] {
  return value.dims.map((dim) => {
    const size = typeof dim === "string" ? sizes[dim] : dim;
    if (size === undefined) throw new TypeError(`cannot reckon with ${value}: no size for ${dim}`);
    return size;
  });
}

function countOf(value: Value, sizes: Sizes): number {
  return dimsOf(value, sizes).reduce((a, b) => a * b, 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
