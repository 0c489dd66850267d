/** From a graph and a file of weights to a session. */

export { type CheckOptions, checkWeights, loadGraph } from "./load.ts";
export { fusedAttentionWorks } from "./probe.ts";
