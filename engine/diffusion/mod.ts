/**
 * What happens between network calls: schedules, samplers, cache windows, noise and the chunked
 * rollout.
 */

export {
  addNoise,
  eulerStep,
  type FlowSchedule,
  flowSchedule,
  flowToX0,
  indexOfTimestep,
  type ScheduleOptions,
  sigmaOf,
  trainingTarget,
  trainingWeights,
  warpSteps,
  x0ToFlow,
} from "./schedule.ts";
export {
  type Blend,
  guide,
  type MultiStepPass,
  type MultiStepSolver,
  multiStepStart,
  type MultiStepState,
  multiStepUpdate,
  planMultiSteps,
} from "./multi_step.ts";
export { type FewStepPass, fewStepUpdate, planFewSteps } from "./few_step.ts";
export {
  type CacheSegment,
  cacheSlots,
  type CacheWindow,
  checkWindow,
  slotOf,
  visible,
  visibleFrames,
} from "./ring.ts";
export {
  checkRunLength,
  type ChunkPlan,
  placeChunk,
  planChunks,
  type RunLength,
} from "./chunks.ts";
export { type FinishedChunk, keepRecent, replaceRecent } from "./recent.ts";
export type { RolloutPass } from "./pass.ts";
export { type GuessingModel, multiStepModel, type PromptSide } from "./guided.ts";
export { fewStepModel } from "./few_step_model.ts";
export { noiseOver, stepsAt } from "./strength.ts";
export {
  type CausalModel,
  rollout,
  type RolloutChunk,
  type RolloutOptions,
  type RolloutStep,
} from "./rollout.ts";
export {
  drawnNoise,
  type NoiseKind,
  type NormalSource,
  normalSource,
  type RolloutNoise,
} from "./noise.ts";
export { Mt19937, Mt19937Noise } from "./mt19937.ts";
export type { Draft, Draw } from "./draft.ts";
export { h100, type PhiloxLayout, PhiloxNoise } from "./philox.ts";
export { philox4x32, type PhiloxWords } from "./philox4x32.ts";
