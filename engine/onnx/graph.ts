/** A computation as ONNX has it: values made by nodes, checked when each node is made. */

import {
  arrayOf,
  type DataOf,
  type DType,
  float32ToBfloat16,
  type HostTensor,
  hostTensor,
  isFloat,
} from "../tensor/mod.ts";
import { countOf, type Dim, type Dims, formatDims, sameDims } from "./dims.ts";

/** What a node may be told beside its inputs. A number is an ONNX int unless wrapped by `float`. */
export type Attribute = number | string | readonly number[] | Float;

/** A floating-point attribute. ONNX keeps ints and floats apart, JavaScript does not. */
export class Float {
  /** See `float`. */
  constructor(
    /** The number, rounded to float32 when it is written. */
    readonly value: number,
  ) {}
}

/** Marks an attribute as floating-point. */
export function float(value: number): Float {
  return new Float(value);
}

/** One value of a graph: an input, a parameter, a constant, or what a node gives. */
export class Value {
  #name: string;

  /** Values are made by their graph's methods. */
  constructor(
    /** The graph that it belongs to. */
    readonly graph: Graph,
    name: string,
    /** Type of its elements. */
    readonly dtype: DType,
    /** Its shape; names stand for sizes known at run time. */
    readonly dims: Dims,
  ) {
    this.#name = name;
  }

  /** Unique in the graph. */
  get name(): string {
    return this.#name;
  }

  /** Calls a value by the name it is given out under, so that no copy has to carry that name. */
  static rename(value: Value, name: string): void {
    value.#name = name;
  }

  /** Number of its axes. */
  get rank(): number {
    return this.dims.length;
  }

  /** `blocks.0.norm3.weight float32 [256]`, as messages show it. */
  toString(): string {
    return `${this.name} ${this.dtype} ${formatDims(this.dims)}`;
  }
}

/** One operation. */
export interface Node {
  /** Unique in the graph. */
  readonly name: string;
  /** As ONNX calls it, such as `MatMul`. */
  readonly operator: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** `undefined` where an optional input is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** What it gives, at least one value. */
  readonly outputs: readonly Value[];
  /** What it was told beside its inputs. */
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A learned tensor. Its elements stay in the checkpoint: the graph knows its name and shape. */
export interface Parameter {
  /** The checkpoint's name for it. */
  readonly name: string;
  /** The checkpoint's shape. */
  readonly shape: readonly number[];
  /** The same elements as the graph sees them; its shape may differ, never the order of elements. */
  readonly value: Value;
}

/** What a node is made from. */
export interface NodeSpec {
  /** Such as `com.microsoft`. Default: ONNX's own operators. */
  readonly domain?: string;
  /** Those that are undefined are left out, and have the operator's default. */
  readonly attributes?: Readonly<Record<string, Attribute | undefined>>;
}

/** The shape and type of a value to come. */
export interface ValueSpec {
  /** Type of its elements. */
  readonly dtype: DType;
  /** Its shape. */
  readonly dims: Dims;
}

/** A graph being built. Nodes are kept in the order they were made, which is an order they can run in. */
export class Graph {
  /** What a run is given, in the order it was declared. */
  readonly inputs: Value[] = [];
  /** What a run gives. */
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  /** In an order that they can run in. */
  readonly nodes: Node[] = [];
  /** Learned tensors by the checkpoint's names. */
  readonly parameters = new Map<string, Parameter>();
  /** Tensors known when the graph is built. */
  readonly constants = new Map<Value, HostTensor>();
  readonly #scalars = new Map<string, Value>();
  readonly #names = new Set<string>();
  /** What nodes made and no output has named yet. */
  readonly #made = new Set<Value>();

  /** An empty graph. */
  constructor(
    /** Shown by profilers and in messages. */
    readonly name: string,
    /** Element type the network computes in, where a part of it has no other. */
    readonly dtype: DType = "float32",
  ) {}

  /** Declares what a run is given. */
  input(name: string, dtype: DType, dims: Dims): Value {
    const value = this.#value(name, { dtype, dims });
    this.inputs.push(value);
    return value;
  }

  /** Names what a run gives. A value may be given under several names. */
  output(name: string, value: Value): void {
    if (this.outputs.some((output) => output.name === name)) {
      throw new TypeError(`cannot add output ${name} to ${this.name}: it has one of that name`);
    }
    if (this.#made.delete(value)) {
      this.#take(name);
      Value.rename(value, name);
    }
    this.outputs.push({ name, value });
  }

  /**
   * Declares a learned tensor of the checkpoint; asked for twice, it is the same one.
   *
   * @param shape its shape in the checkpoint
   * @param as the shape the graph wants the same elements in, where that differs
   * @param dtype the type the graph wants them in, where that is not its own
   */
  parameter(
    name: string,
    shape: readonly number[],
    as: readonly number[] = shape,
    dtype: DType = this.dtype,
  ): Value {
    const known = this.parameters.get(name);
    if (known) {
      const { value } = known;
      if (!sameDims(known.shape, shape) || !sameDims(value.dims, as) || value.dtype !== dtype) {
        throw new TypeError(
          `cannot declare parameter ${name} as ${dtype} ${
            formatDims(shape)
          }: it is ${value.dtype} ${formatDims(known.shape)} already`,
        );
      }
      return known.value;
    }
    if (countOf(as) !== countOf(shape)) {
      throw new TypeError(
        `cannot see parameter ${name} ${formatDims(shape)} as ${
          formatDims(as)
        }: the numbers of elements differ`,
      );
    }
    const value = this.#value(name, { dtype, dims: as });
    this.parameters.set(name, { name, shape, value });
    return value;
  }

  /** A tensor known when the graph is built. */
  constant<D extends DType>(dtype: D, dims: readonly number[], data: DataOf[D]): Value {
    const tensor = hostTensor(dtype, dims, data);
    const value = this.#value(this.#fresh("constant"), { dtype, dims });
    this.constants.set(value, tensor as HostTensor);
    return value;
  }

  /**
   * A one-element constant of shape `[]`, shared by all who ask for the same. Throws a RangeError where the type has no
   * number near it: what is not 0 would be, or what is finite would not.
   */
  scalar(value: number, dtype: DType = this.dtype): Value {
    const key = `${dtype} ${value}`;
    let known = this.#scalars.get(key);
    if (!known) {
      known = this.constant(dtype, [], oneOf(dtype, value));
      this.#scalars.set(key, known);
    }
    return known;
  }

  /** Whole numbers as a constant `[n]`, as operators take shapes, axes and sizes. */
  integers(values: readonly number[]): Value {
    const key = `integers ${values}`;
    let known = this.#scalars.get(key);
    if (!known) {
      known = this.constant("int64", [values.length], BigInt64Array.from(values.map(BigInt)));
      this.#scalars.set(key, known);
    }
    return known;
  }

  /**
   * Adds an operation. Operators' own functions call this after they have checked their operands, with
   * the shapes and types of what comes out.
   */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly ValueSpec[],
    { domain = "", attributes = {} }: NodeSpec = {},
  ): Value[] {
    for (const input of inputs) {
      if (input && input.graph !== this) {
        throw new TypeError(
          `${operator}: ${input} belongs to graph ${input.graph.name}, not to ${this.name}`,
        );
      }
    }
    const name = this.#fresh(operator);
    const values = outputs.map((spec, i) =>
      this.#value(outputs.length === 1 ? `${name}.out` : `${name}.out${i}`, spec)
    );
    for (const value of values) this.#made.add(value);
    const kept = Object.entries(attributes).filter(([, value]) => value !== undefined);
    this.nodes.push({
      name,
      operator,
      domain,
      inputs,
      outputs: values,
      attributes: Object.fromEntries(kept) as Record<string, Attribute>,
    });
    return values;
  }

  /** Number of learned elements. */
  get parameterCount(): number {
    let count = 0;
    for (const { shape } of this.parameters.values()) count += countOf(shape)!;
    return count;
  }

  #value(name: string, { dtype, dims }: ValueSpec): Value {
    for (const dim of dims) checkDim(name, dim, dims);
    this.#take(name);
    return new Value(this, name, dtype, dims);
  }

  #take(name: string): void {
    if (this.#names.has(name)) {
      throw new TypeError(`cannot name a value ${name} in ${this.name}: there is one already`);
    }
    this.#names.add(name);
  }

  #fresh(stem: string): string {
    for (let n = this.nodes.length + this.constants.size;; n++) {
      const name = `${stem}_${n}`;
      if (!this.#names.has(name)) return name;
    }
  }
}

/** A number in a type's array. */
function oneOf<D extends DType>(dtype: D, value: number): DataOf[D] {
  if (dtype === "bfloat16") return float32ToBfloat16(Float32Array.of(value)) as DataOf[D];
  const data = new (arrayOf(dtype))(1);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(value);
  else {
    data[0] = value;
    const stored = data[0]!;
    const lost = isFloat(dtype)
      ? (value !== 0 && stored === 0) || Number.isFinite(value) !== Number.isFinite(stored)
      : value !== stored;
    if (lost) {
      throw new RangeError(`cannot write ${value} as a ${dtype}: it would become ${stored}`);
    }
  }
  return data;
}

function checkDim(name: string, dim: Dim, dims: Dims): void {
  if (typeof dim === "number" ? Number.isInteger(dim) && dim >= 0 : dim.length > 0) return;
  throw new RangeError(`cannot make value ${name} of shape ${formatDims(dims)}: no size is ${dim}`);
}
