/** A graph as bfloat16 would compute it: every float result rounded to that type, sums inside an operator in float32. */

import { cast, Graph, type Value } from "../engine/onnx/mod.ts";

/** A copy of a float32 graph in which each node's results are rounded to bfloat16 and widened again. */
export function roundedToBfloat16(from: Graph): Graph {
  const graph = new Graph(from.name, from.dtype);
  const values = new Map<Value, Value>();
  for (const value of from.inputs) {
    values.set(value, graph.input(value.name, value.dtype, value.dims));
  }
  for (const { name, shape, value } of from.parameters.values()) {
    values.set(value, graph.parameter(name, shape, value.dims as number[], value.dtype));
  }
  for (const [value, { dtype, shape, data }] of from.constants) {
    values.set(value, graph.constant(dtype, shape, data as never));
  }
  for (const { operator, domain, inputs, outputs, attributes } of from.nodes) {
    const taken = inputs.map((value) => value && values.get(value));
    const made = graph.node(operator, taken, outputs, { domain, attributes });
    made.forEach((value, i) => {
      const wide = value.dtype === "float32";
      values.set(outputs[i]!, wide ? cast(cast(value, "bfloat16"), "float32") : value);
    });
  }
  for (const { name, value } of from.outputs) graph.output(name, values.get(value)!);
  return graph;
}
