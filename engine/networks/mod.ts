/** Networks: pure functions from sizes to a graph, parameters named as the checkpoints name them. */

export {
  type AttentionKind,
  type ChunkShape,
  tokensPerFrame,
  type WanConfig,
} from "./_wan_block.ts";
export type { Precision } from "./_islands.ts";
export type { AttentionSpan, FrameRange } from "./_wan_sequence.ts";
export { causalWan, causalWanNames, type CausalWanOptions } from "./causal_wan.ts";
export {
  type BlockCausalOptions,
  blockCausalPlan,
  causalWanSequence,
  type CausalWanSequenceOptions,
} from "./causal_wan_sequence.ts";
export { type RotaryTables, rotaryTables, timestepSinusoid, type TokenGrid } from "./positions.ts";
export { taew2_1, umt5Xxl, wan2_1_14b, wan2_1_1_3b, wan2_1_vae } from "./presets.ts";
export {
  type ClipShape,
  framesToTrim,
  spatialFactor,
  type TaehvConfig,
  taehvDecoder,
  taehvEncoder,
  type TaehvGraph,
  type TaehvOptions,
  temporalFactor,
} from "./taehv.ts";
export {
  type Product,
  relativeBucket,
  type Umt5Config,
  umt5Encoder,
  type Umt5Options,
} from "./umt5.ts";
export { wan, type WanOptions } from "./wan.ts";
export { contextName, wanContext, type WanContextOptions } from "./wan_context.ts";
export type { ClipPart } from "./_wan_vae_parts.ts";
export {
  picturesOf,
  vaeSpatialFactor,
  vaeTemporalFactor,
  type WanVaeConfig,
  wanVaeDecoder,
  wanVaeEncoder,
  type WanVaeGraph,
  type WanVaeOptions,
} from "./wan_vae.ts";
