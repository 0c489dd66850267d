/** Builds networks as ONNX graphs: shapes are checked as each node is made, bytes come out at the end. */

export { type Dim, type Dims, formatDims } from "./dims.ts";
export {
  type Attribute,
  Float,
  float,
  Graph,
  type Node,
  type NodeSpec,
  type Parameter,
  Value,
  type ValueSpec,
} from "./graph.ts";
export { Scope } from "./scope.ts";
export * from "./ops/mod.ts";
export {
  type ExternalData,
  type InlineData,
  type Locate,
  type ParameterData,
  writeModel,
  type WriteOptions,
} from "./write.ts";
