/** Files of weights: what is in them, whether it fits a network, and where its bytes lie. */

export {
  entryOf,
  parameters,
  type WeightEntry,
  type WeightFile,
  WeightsError,
  type WriteMadeOptions,
} from "./weight_file.ts";
export { headerLimit, openSafetensors, writeSafetensors } from "./safetensors.ts";
export { openSharded } from "./sharded.ts";
export { openTorch } from "./torch.ts";
export {
  openWeightFile,
  type OpenWeightOptions,
  splitWeightSpec,
  type WeightFormat,
  type WeightSpec,
} from "./open.ts";
export { type Lora, mergeLoras } from "./lora.ts";
export { type StoredFloat } from "./_quantize_rows.ts";
export { type FewBits, type FewBitsPair, fewBitsShapes, quantize, scalesName } from "./quantize.ts";
export { quantized } from "./quantized.ts";
export { type ExpectedParameter, type MatchOptions, matchParameters } from "./match.ts";
export {
  type DTypeTotal,
  inspectWeights,
  type TensorFamily,
  type WeightsReport,
} from "./inspect.ts";
export { checkFinite, checkRead, type FiniteOptions } from "./finite.ts";
export { type ModelFile, publishedFile, type PublishedModel, publishedModels } from "./registry.ts";
export { DownloadError, type FetchOptions } from "./_requests.ts";
export { type HubEnvironment, hubVariables, type RemoteFile } from "./_hub.ts";
export {
  bytesLeft,
  type PlannedFile,
  planPull,
  pull,
  type PullEvent,
  type PullOptions,
} from "./pull.ts";
export { type CheckedFile, findModel, type KeptFile, removeModel, verifyModel } from "./keep.ts";
export {
  fetchWheel,
  planWheel,
  type WheelEvent,
  type WheelMember,
  type WheelOptions,
  type WheelPlan,
  type WheelRecord,
  type WheelRequest,
} from "./wheel.ts";
export type { IndexFile, WheelNeed } from "./wheel.ts";
