/**
 * Sluice turns a prompt into video, live: a pipeline of typed stages that plugins make.
 *
 * ```ts ignore
 * import { decode, diffuse, encodeText, encodeVideo, extendPrompt, pipe } from "sluice";
 *
 * const film = pipe(
 *   extendPrompt({ provider: "template" }),
 *   encodeText(),
 *   diffuse({ latentFrames: 21 }),
 *   decode(),
 *   encodeVideo({ path: "ball.mp4" }),
 * );
 * await using open = await film.open({ device: "cpu" });
 * for await (const media of open.run({ text: "a red ball bounces on a green floor", seed: 1 })) {
 *   console.log(media.path, media.frames);
 * }
 * ```
 *
 * @module
 */
import type { AnyPlugin } from "./pipeline/plugin.ts";
import decode from "./plugins/decode/mod.ts";
import diffuse from "./plugins/diffuse/mod.ts";
import encodePicture from "./plugins/encode_picture/mod.ts";
import encodeText from "./plugins/encode_text/mod.ts";
import encodeVideo from "./plugins/encode_video/mod.ts";
import extendPrompt from "./plugins/extend_prompt/mod.ts";

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
} from "./pipeline/data.ts";
export { timeline, type TimelineEntry } from "./pipeline/timeline.ts";
export type { LoadingProgress, OpenEvent, RunEvent, StageEvent } from "./pipeline/events.ts";
export type { CreateContext, RunContext, Stage } from "./pipeline/stage.ts";
export type { AnyPlugin, Plugin, PluginDefinition, StageSpec } from "./pipeline/plugin.ts";
export type {
  OpenOptions,
  OpenPipeline,
  Pipeline,
  Run,
  RunOptions,
  RunTimings,
  StageTimings,
} from "./pipeline/run.ts";
export type {
  ExportContext,
  ExportedNetwork,
  NetworkValue,
  StageExport,
} from "./pipeline/export.ts";
export type { MemoryContext, MemoryPart, StageMemory } from "./pipeline/memory.ts";
export { planMemory, type PlannedStage } from "./pipeline/plan_memory.ts";
export {
  checkMemory,
  type MemoryCheck,
  type MemoryPlan,
  memoryPlan,
} from "./pipeline/check_memory.ts";
export {
  ConfigError,
  type ConfigPlace,
  type ConfigProblem,
  StageError,
  UserError,
} from "./pipeline/errors.ts";
export { definePlugin } from "./pipeline/define.ts";
export { type Joined, type LastKind, type Part, pipe } from "./pipeline/pipe.ts";
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
} from "./pipeline/config.ts";
export { findPlugin, isPlugin, type PluginSources } from "./pipeline/registry.ts";
export { configSchema, type JsonSchema, optionsSchema } from "./pipeline/schema.ts";
export {
  type DeviceReport,
  type DTypeTotal,
  inspectRuntime,
  inspectWeights,
  type Library,
  type RuntimeReport,
  type TensorFamily,
  type WeightFormat,
  type WeightsReport,
} from "./plugins/inspect.ts";
export { inspectPicture, type LookOptions, type Seen } from "./plugins/encode_picture/inspect.ts";
export {
  type CheckedFile,
  findModel,
  type HubEnvironment,
  hubEnvironment,
  type KeptFile,
  type ModelFile,
  type PlannedFile,
  planPull,
  publishedFile,
  type PublishedModel,
  publishedModels,
  type PullEvent,
  pullModels,
  type PullOptions,
  type RemoteFile,
  removeModel,
  verifyModel,
} from "./plugins/models.ts";
export { checkPublished, type NamedFile, publishedIn } from "./plugins/published.ts";
export {
  type CudaCard,
  type CudaDriver,
  type CudaNeed,
  type CudaPlan,
  type CudaProvider,
  type CudaReport,
  type DevicesReport,
  type FetchOptions,
  inspectDevices,
  installedCuda,
  memoryOfCards,
  planCuda,
  removeCuda,
  type WheelEvent,
  type WheelOptions,
  type WheelRecord,
} from "./plugins/devices.ts";
export { decode, diffuse, encodePicture, encodeText, encodeVideo, extendPrompt };

/** The built-in plugins, which configs know by name. */
export const plugins: readonly AnyPlugin[] = [
  extendPrompt,
  encodeText,
  encodePicture,
  diffuse,
  decode,
  encodeVideo,
];
