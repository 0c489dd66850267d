/** From a graph and a file of weights to a session. */

export {
  type CheckOptions,
  checkWeights,
  loadGraph,
  type LoadOptions,
  type PreparedGraph,
  prepareGraph,
  type PrepareOptions,
} from "./load.ts";
export { float16Works, fusedAttentionWorks } from "./probe.ts";
