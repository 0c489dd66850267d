/** ONNX graphs for tests, written by hand so that the runtime is tested without the graph builder. */

import { type DType, onnxTypeOf } from "../../../engine/tensor/mod.ts";

type Field = readonly [number: number, value: number | bigint | string | Uint8Array];

/** A protobuf message: whole numbers as varints, strings and bytes with their length. */
export function message(...fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const varint = (value: number | bigint) => {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
  };
  for (const [number, value] of fields) {
    if (typeof value === "number" || typeof value === "bigint") {
      varint(number << 3);
      varint(value);
    } else {
      const content = typeof value === "string" ? new TextEncoder().encode(value) : value;
      varint(number << 3 | 2);
      varint(content.length);
      for (const byte of content) bytes.push(byte);
    }
  }
  return new Uint8Array(bytes);
}

/** A graph's input or output; a string is a symbolic size. */
export type Value = readonly [name: string, dtype: DType, shape: readonly (number | string)[]];

/** A node: operator, inputs, outputs, attributes (`INT`, `INTS` or `STRING` by the value's type). */
export interface NodeSpec {
  readonly op: string;
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[] | string | Uint8Array>>;
}

/** What a model is made from. */
export interface ModelSpec {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly NodeSpec[];
  /** TensorProtos, see `constant` and `external`. */
  readonly initializers?: readonly Uint8Array[];
}

function valueInfo([name, dtype, shape]: Value): Uint8Array {
  const dims = shape.map((size) =>
    [1, message(typeof size === "string" ? [2, size] : [1, size])] as const
  );
  const tensor = message([1, onnxTypeOf(dtype)], [2, message(...dims)]);
  return message([1, name], [2, message([1, tensor])]);
}

function attribute(name: string, value: number | readonly number[] | string | Uint8Array) {
  if (typeof value === "number") return message([1, name], [3, value], [20, 2]);
  if (typeof value === "string") return message([1, name], [4, value], [20, 3]);
  if (value instanceof Uint8Array) return message([1, name], [6, value], [20, 5]);
  return message([1, name], ...value.map((item) => [8, item] as const), [20, 7]);
}

function node(spec: NodeSpec): Uint8Array {
  return message(
    ...spec.in.map((name) => [1, name] as const),
    ...spec.out.map((name) => [2, name] as const),
    [4, spec.op],
    ...Object.entries(spec.attributes ?? {}).map(([key, value]) =>
      [5, attribute(key, value)] as const
    ),
  );
}

/** A GraphProto: also the body of a loop. */
export function graph(spec: ModelSpec): Uint8Array {
  return message(
    ...spec.nodes.map((item) => [1, node(item)] as const),
    [2, "test"],
    ...(spec.initializers ?? []).map((item) => [5, item] as const),
    ...spec.inputs.map((item) => [11, valueInfo(item)] as const),
    ...spec.outputs.map((item) => [12, valueInfo(item)] as const),
  );
}

/** A ModelProto of opset 24. */
export function model(spec: ModelSpec): Uint8Array<ArrayBuffer> {
  return message([1, 11], [7, graph(spec)], [8, message([2, 24])]);
}

/** A TensorProto with its elements inside. */
export function constant(
  name: string,
  dtype: DType,
  shape: readonly number[],
  data: ArrayBufferView,
): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(
    ...shape.map((size) => [1, size] as const),
    [2, onnxTypeOf(dtype)],
    [8, name],
    [9, bytes],
  );
}

/** A TensorProto whose elements lie in a file. */
export function external(
  name: string,
  dtype: DType,
  shape: readonly number[],
  file: { readonly location: string; readonly offset: number; readonly length: number },
): Uint8Array {
  return message(
    ...shape.map((size) => [1, size] as const),
    [2, onnxTypeOf(dtype)],
    [8, name],
    ...Object.entries(file).map(([key, value]) =>
      [13, message([1, key], [2, String(value)])] as const
    ),
    [14, 1],
  );
}

/** y = a·x + b, elementwise, float32 `[n]` with symbolic n. */
export function affine(): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [["x", "float32", ["n"]]],
    outputs: [["y", "float32", ["n"]]],
    nodes: [
      { op: "Mul", in: ["x", "a"], out: ["ax"] },
      { op: "Add", in: ["ax", "b"], out: ["y"] },
    ],
    initializers: [
      constant("a", "float32", [], new Float32Array([3])),
      constant("b", "float32", [], new Float32Array([0.5])),
    ],
  });
}

/** Writes updates [1, T, D] into data [1, S, D] at indices [1, T, 2] (batch, slot). */
export function scatter(slots: number, width: number, count: number): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [
      ["data", "float32", [1, slots, width]],
      ["indices", "int64", [1, count, 2]],
      ["updates", "float32", [1, count, width]],
    ],
    outputs: [["updated", "float32", [1, slots, width]]],
    nodes: [{ op: "ScatterND", in: ["data", "indices", "updates"], out: ["updated"] }],
  });
}

/** A loop of `turns` matrix products [n, n]: seconds of work that an abort must cut short. */
export function slow(turns: number, n: number): Uint8Array<ArrayBuffer> {
  const body = graph({
    inputs: [["i", "int64", []], ["go", "bool", []], ["a", "float32", [n, n]]],
    outputs: [["go_on", "bool", []], ["b", "float32", [n, n]]],
    nodes: [
      { op: "Identity", in: ["go"], out: ["go_on"] },
      { op: "MatMul", in: ["a", "a"], out: ["b"] },
    ],
  });
  return model({
    inputs: [["x", "float32", [n, n]]],
    outputs: [["y", "float32", [n, n]]],
    nodes: [{ op: "Loop", in: ["turns", "go", "x"], out: ["y"], attributes: { body } }],
    initializers: [
      constant("turns", "int64", [], new BigInt64Array([BigInt(turns)])),
      constant("go", "bool", [], new Uint8Array([1])),
    ],
  });
}
