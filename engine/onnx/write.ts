/**
 * A graph as the bytes of an ONNX file (onnx.proto3: ModelProto, IR 11). Parameters stay where they are:
 * the file names the checkpoint, the offset and the length of each.
 */

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { bytesOf, type DType, onnxTypeOf } from "../tensor/mod.ts";
import type { Dims } from "./dims.ts";
import {
  type Attribute,
  Float,
  type Graph,
  type Node,
  type Parameter,
  type Value,
} from "./graph.ts";
import { inWritingOrder } from "./_node_order.ts";

/** Where a parameter's elements are. */
export interface ExternalData {
  /** Element type they are stored in; another one than the graph's is cast when the graph is loaded. */
  readonly dtype: DType;
  /** File name inside the folder that the runtime is told. */
  readonly location: string;
  /** First byte in the file. */
  readonly offset: number;
  /** Number of bytes. */
  readonly length: number;
}

/** A parameter's elements themselves, for a file that stands alone. */
export interface InlineData {
  /** Element type they are stored in. */
  readonly dtype: DType;
  /** Dense, row by row, little-endian. */
  readonly data: Uint8Array;
}

/** Where a parameter's elements come from. */
export type ParameterData = ExternalData | InlineData;

/**
 * ONNX operator set and IR version that files are written for. ONNX Runtime takes a kernel for the version of an
 * operator that it was registered for: in 1.30 this is the last set for which WebGPU has Pad (24 has another), CUDA
 * and the CPU have all of them.
 */
const OPSET = 23;
const IR_VERSION = 11;
const PRODUCER = "sluice";

/** Says where a parameter's elements are, by its name. */
export type Locate = (name: string) => ParameterData;

/** How parameters stored in another type than the graph's are read. */
export interface WriteOptions {
  /**
   * Whether a table that is only gathered from stays in its stored type, its rows cast once they are gathered, so
   * that a vocabulary of 256,384 rows is never widened as a whole. Default: true. Needs a device that can
   * gather in that type.
   */
  readonly narrowTables?: boolean;
}

/** Writes a graph. `locate` may be left out for one without parameters. */
export function writeModel(graph: Graph, locate?: Locate, options: WriteOptions = {}): Uint8Array {
  const domains = new Set(["", ...graph.nodes.map((node) => node.domain)]);
  return message((model) => {
    model.tag(1, WireType.Varint).int64(IR_VERSION);
    model.tag(2, WireType.LengthDelimited).string(PRODUCER);
    nested(model, 7, (to) => writeGraph(to, graph, new StoredParameters(graph, locate, options)));
    for (const domain of domains) {
      nested(model, 8, (to) => {
        to.tag(1, WireType.LengthDelimited).string(domain);
        to.tag(2, WireType.Varint).int64(domain === "" ? OPSET : 1);
      });
    }
  });
}

function writeGraph(to: BinaryWriter, graph: Graph, stored: StoredParameters): void {
  const casts = [...stored.casts()];
  for (const node of casts) nested(to, 1, (at) => writeNode(at, node));
  for (const node of inWritingOrder(graph)) {
    for (const written of stored.widenAfter(node)) nested(to, 1, (at) => writeNode(at, written));
  }
  const renamed = graph.outputs.filter(({ name, value }) => name !== value.name);
  for (const { name, value } of renamed) {
    nested(
      to,
      1,
      (at) => writeNode(at, { name, operator: "Identity", inputs: [value.name], outputs: [name] }),
    );
  }
  to.tag(2, WireType.LengthDelimited).string(graph.name);
  for (const [value, tensor] of graph.constants) {
    nested(to, 5, (at) => {
      writeTensorHead(at, value.name, tensor.dtype, tensor.shape);
      at.tag(9, WireType.LengthDelimited).bytes(bytesOf(tensor));
    });
  }
  for (const parameter of graph.parameters.values()) {
    nested(to, 5, (at) => stored.write(at, parameter));
  }
  for (const input of graph.inputs) {
    nested(to, 11, (at) => writeValueInfo(at, input.name, input.dtype, input.dims));
  }
  for (const { name, value } of graph.outputs) {
    nested(to, 12, (at) => writeValueInfo(at, name, value.dtype, value.dims));
  }
}

/** A node as it is written: by names. */
interface WrittenNode {
  readonly name: string;
  readonly operator: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

function byNames(node: Node): WrittenNode {
  return {
    ...node,
    inputs: node.inputs.map((value) => value?.name ?? ""),
    outputs: node.outputs.map((value) => value.name),
  };
}

function castNode(from: string, to: string, dtype: DType): WrittenNode {
  return {
    name: `${to}/cast`,
    operator: "Cast",
    inputs: [from],
    outputs: [to],
    attributes: { to: onnxTypeOf(dtype) },
  };
}

/**
 * Parameters whose stored type differs from the graph's. Each is cast once, which the runtime folds when it
 * loads the graph, or after the gathering (`WriteOptions.narrowTables`).
 */
class StoredParameters {
  readonly #data = new Map<Parameter, ParameterData>();
  readonly #tables = new Set<Value>();
  readonly #cast = new Map<Value, Parameter>();

  constructor(graph: Graph, locate: Locate | undefined, { narrowTables = true }: WriteOptions) {
    for (const parameter of graph.parameters.values()) {
      if (!locate) {
        throw new TypeError(
          `cannot write ${graph.name}: it has parameters (${parameter.name}, …) and nothing says where they are`,
        );
      }
      const data = locate(parameter.name);
      this.#data.set(parameter, data);
      if (data.dtype !== parameter.value.dtype) this.#cast.set(parameter.value, parameter);
    }
    if (!narrowTables) return;
    const elsewhere = new Set<Value>(graph.outputs.map(({ value }) => value));
    for (const { operator, inputs } of graph.nodes) {
      inputs.forEach((value, i) => {
        if (value && this.#cast.has(value) && !(operator === "Gather" && i === 0)) {
          elsewhere.add(value);
        }
      });
    }
    for (const value of this.#cast.keys()) if (!elsewhere.has(value)) this.#tables.add(value);
  }

  *casts(): Generator<WrittenNode> {
    for (const value of this.#cast.keys()) {
      if (!this.#tables.has(value)) yield castNode(`${value.name}/stored`, value.name, value.dtype);
    }
  }

  *widenAfter(node: Node): Generator<WrittenNode> {
    const written = byNames(node);
    const [table] = node.inputs;
    if (node.operator !== "Gather" || !table || !this.#tables.has(table)) {
      yield written;
      return;
    }
    const [out] = node.outputs as [Value];
    yield {
      ...written,
      inputs: [`${table.name}/stored`, ...written.inputs.slice(1)],
      outputs: [`${out.name}/stored`],
    };
    yield castNode(`${out.name}/stored`, out.name, out.dtype);
  }

  write(to: BinaryWriter, parameter: Parameter): void {
    const data = this.#data.get(parameter)!;
    const { value } = parameter;
    const name = this.#cast.has(value) ? `${value.name}/stored` : value.name;
    writeTensorHead(to, name, data.dtype, value.dims);
    if ("data" in data) {
      to.tag(9, WireType.LengthDelimited).bytes(data.data);
      return;
    }
    const { location, offset, length } = data;
    for (const [key, entry] of Object.entries({ location, offset, length })) {
      nested(to, 13, (at) => {
        at.tag(1, WireType.LengthDelimited).string(key);
        at.tag(2, WireType.LengthDelimited).string(String(entry));
      });
    }
    to.tag(14, WireType.Varint).int32(1); // data_location: EXTERNAL
  }
}

function writeTensorHead(to: BinaryWriter, name: string, dtype: DType, dims: Dims): void {
  for (const dim of dims) to.tag(1, WireType.Varint).int64(dim);
  to.tag(2, WireType.Varint).int32(onnxTypeOf(dtype));
  to.tag(8, WireType.LengthDelimited).string(name);
}

function writeNode(to: BinaryWriter, node: WrittenNode): void {
  for (const input of node.inputs) to.tag(1, WireType.LengthDelimited).string(input);
  for (const output of node.outputs) to.tag(2, WireType.LengthDelimited).string(output);
  to.tag(3, WireType.LengthDelimited).string(node.name);
  to.tag(4, WireType.LengthDelimited).string(node.operator);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    nested(to, 5, (at) => writeAttribute(at, name, value));
  }
  if (node.domain) to.tag(7, WireType.LengthDelimited).string(node.domain);
}

function writeAttribute(to: BinaryWriter, name: string, value: Attribute): void {
  to.tag(1, WireType.LengthDelimited).string(name);
  let type: number;
  if (value instanceof Float) {
    type = 1;
    to.tag(2, WireType.Bit32).float(value.value);
  } else if (typeof value === "number") {
    type = 2;
    to.tag(3, WireType.Varint).int64(value);
  } else if (typeof value === "string") {
    type = 3;
    to.tag(4, WireType.LengthDelimited).string(value);
  } else {
    type = 7;
    for (const entry of value) to.tag(8, WireType.Varint).int64(entry);
  }
  to.tag(20, WireType.Varint).int32(type);
}

function writeValueInfo(to: BinaryWriter, name: string, dtype: DType, dims: Dims): void {
  to.tag(1, WireType.LengthDelimited).string(name);
  nested(to, 2, (type) =>
    nested(type, 1, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(onnxTypeOf(dtype));
      nested(tensor, 2, (shape) => {
        for (const dim of dims) {
          nested(shape, 1, (at) =>
            typeof dim === "number"
              ? at.tag(1, WireType.Varint).int64(dim)
              : at.tag(2, WireType.LengthDelimited).string(dim));
        }
      });
    }));
}

function nested(to: BinaryWriter, field: number, write: (to: BinaryWriter) => void): void {
  to.tag(field, WireType.LengthDelimited).fork();
  write(to);
  to.join();
}

function message(write: (to: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}
