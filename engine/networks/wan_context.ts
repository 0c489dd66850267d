import { gelu, Graph, reshape, Scope } from "../onnx/mod.ts";
import { inGraphType, type Precision } from "./_islands.ts";
import { dense, normed, type WanConfig } from "./_wan_block.ts";

/** How the network is built. */
export interface WanContextOptions {
  /** Element type of the products and of what comes out. Default: float32. */
  readonly dtype?: Precision;
}

/** The name of a layer's text keys or values, `context.<layer>.k|v`, in every graph of a Wan. */
export function contextName(layer: number, part: "k" | "v"): string {
  return `context.${layer}.${part}`;
}

/**
 * What the prompt contributes, once a prompt: the text's keys and values of every layer. The same for every
 * Wan, causal or not.
 *
 * Input: `embeddings` [X, textDim] in float32, X text tokens. Outputs: `context.<layer>.k|v` [1, X, D] in the type
 * the graph computes in.
 */
export function wanContext(config: WanConfig, options: WanContextOptions = {}): Graph {
  const { dim, textDim, textLen, numLayers, eps } = config;
  const graph = new Graph("wan_context", options.dtype ?? "float32");
  const root = new Scope(graph);
  const embeddings = inGraphType(graph.input("embeddings", "float32", [textLen, textDim]));
  const embedding = root.at("text_embedding");
  const text = dense(embedding.at(2), gelu(dense(embedding.at(0), embeddings, dim)), dim);
  for (let layer = 0; layer < numLayers; layer++) {
    const scope = root.at("blocks", layer, "cross_attn");
    const k = normed(scope.at("norm_k"), dense(scope.at("k"), text, dim), eps);
    const v = dense(scope.at("v"), text, dim);
    graph.output(contextName(layer, "k"), reshape(k, [1, textLen, dim]));
    graph.output(contextName(layer, "v"), reshape(v, [1, textLen, dim]));
  }
  return graph;
}
