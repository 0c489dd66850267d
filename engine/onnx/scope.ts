import type { DType } from "../tensor/mod.ts";
import type { Graph, Value } from "./graph.ts";

/**
 * A place in the tree of a checkpoint's names: `scope.at("blocks", 0).parameter("norm3.weight", [dim])` is
 * `blocks.0.norm3.weight`. Functions that build a part of a network take the scope of its parameters.
 */
export class Scope {
  /** The graph that takes the parameters. */
  readonly graph: Graph;
  /** Begins every name below, with its dot; empty at the root. */
  readonly prefix: string;
  /** Of the parameters below. */
  readonly dtype: DType;

  /** The root, unless `prefix` says a place. */
  constructor(graph: Graph, prefix = "", dtype: DType = graph.dtype) {
    this.graph = graph;
    this.prefix = prefix;
    this.dtype = dtype;
  }

  /** A place below this one. */
  at(...path: (string | number)[]): Scope {
    return new Scope(this.graph, `${this.prefix}${path.join(".")}.`, this.dtype);
  }

  /** The same place, its parameters in the type of `x`: for a part that computes in another type than the graph. */
  like(x: Value): Scope {
    return new Scope(this.graph, this.prefix, x.dtype);
  }

  /**
   * A learned tensor of this place; `as` and `dtype` are the shape and type the graph wants, where they differ (see
   * `Graph.parameter`).
   */
  parameter(
    name: string,
    shape: readonly number[],
    as: readonly number[] = shape,
    dtype: DType = this.dtype,
  ): Value {
    return this.graph.parameter(this.prefix + name, shape, as, dtype);
  }
}
