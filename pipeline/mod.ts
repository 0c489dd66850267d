/** The composable core: what flows, what a stage is, how stages are joined, configured and run. */

export type {
  Conditioning,
  DataKinds,
  Frames,
  GivenLatents,
  Kind,
  Latents,
  LaterConditioning,
  LaterPrompt,
  Media,
  Prompt,
} from "./data.ts";
export { timeline, type TimelineEntry } from "./timeline.ts";
export type { LoadingProgress, OpenEvent, RunEvent, StageEvent } from "./events.ts";
export type { CreateContext, RunContext, Stage } from "./stage.ts";
export type { AnyPlugin, Plugin, PluginDefinition, StageSpec } from "./plugin.ts";
export type {
  OpenOptions,
  OpenPipeline,
  Pipeline,
  Run,
  RunOptions,
  RunTimings,
  StageTimings,
} from "./run.ts";
export type { ExportContext, ExportedNetwork, NetworkValue, StageExport } from "./export.ts";
export type { MemoryContext, MemoryPart, StageMemory } from "./memory.ts";
export { planMemory, type PlannedStage } from "./plan_memory.ts";
export { checkMemory, type MemoryCheck, type MemoryPlan, memoryPlan } from "./check_memory.ts";
export {
  ConfigError,
  type ConfigPlace,
  type ConfigProblem,
  StageError,
  UserError,
} from "./errors.ts";
export { definePlugin } from "./define.ts";
export { type Joined, joinStages, type LastKind, type Part, pipe } from "./pipe.ts";
export { Newest } from "./newest.ts";
export { nearestName, suggestName, toKebab } from "./names.ts";
export {
  type Config,
  type ConfigData,
  type ConfigStage,
  configToPipeline,
  describeConfig,
  formatConfig,
  loadConfig,
  type LoadOptions,
  parseConfig,
  type ParseOptions,
  type StageProblem,
} from "./config.ts";
export { findPlugin, isPlugin, type PluginSources } from "./registry.ts";
export { configSchema, type JsonSchema, optionsSchema } from "./schema.ts";
