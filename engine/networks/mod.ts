/** Networks: pure functions from sizes to a graph, parameters named as the checkpoints name them. */

export {
  causalWan,
  type CausalWanConfig,
  causalWanContext,
  causalWanNames,
  type CausalWanOptions,
  type ChunkShape,
  tokensPerFrame,
} from "./causal_wan.ts";
export { type RotaryTables, rotaryTables, timestepSinusoid, type TokenGrid } from "./positions.ts";
export { taew2_1, umt5Xxl, wan2_1_1_3b } from "./presets.ts";
export {
  type ClipShape,
  framesToTrim,
  spatialFactor,
  type TaehvConfig,
  taehvDecoder,
  taehvEncoder,
  type TaehvGraph,
  temporalFactor,
} from "./taehv.ts";
export { relativeBucket, type Umt5Config, umt5Encoder, type Umt5Options } from "./umt5.ts";
