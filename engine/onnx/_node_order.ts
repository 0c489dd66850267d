import type { Graph, Node } from "./graph.ts";

/**
 * Nodes as they are written: in the order they were made, but those that no other node reads come last, the
 * latest first.
 *
 * ONNX Runtime goes back from such nodes depth first, from the file's last to its first, and runs what it comes by. Were
 * they written where they are made, then what each layer leaves for the next run would be cut out after everything else,
 * and all that it is cut out of would be kept until then: measured, the Wan VAE's decoder took 2.4 times the memory.
 */
export function inWritingOrder({ nodes }: Graph): Node[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const isLeaf = ({ outputs }: Node) => !outputs.some((value) => read.has(value));
  return [...nodes.filter((node) => !isLeaf(node)), ...nodes.filter(isLeaf).reverse()];
}
