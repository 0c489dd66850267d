import type { DType } from "../tensor/mod.ts";
import type { Graph, Value } from "./graph.ts";

/**
 * A place in the tree of a checkpoint's names: `scope.at("blocks", 0).parameter("norm3.weight", [dim])` is
 * `blocks.0.norm3.weight`. Functions that build a part of a network take the scope of its parameters.
 */
export class Scope {
  readonly graph: Graph;
  /** Begins every name below, with its dot; empty at the root. */
  readonly prefix: string;

  constructor(graph: Graph, prefix = "") {
    this.graph = graph;
    this.prefix = prefix;
  }

  at(...path: (string | number)[]): Scope {
    return new Scope(this.graph, `${this.prefix}${path.join(".")}.`);
  }

  /**
   * A learned tensor of this place; `as` and `dtype` are the shape and type the graph wants, where they differ (see
   * `Graph.parameter`).
   */
  parameter(
    name: string,
    shape: readonly number[],
    as: readonly number[] = shape,
    dtype: DType = this.graph.dtype,
  ): Value {
    return this.graph.parameter(this.prefix + name, shape, as, dtype);
  }
}
