/** ONNX Runtime: devices, sessions, tensors, bindings. */

export {
  type Device,
  type DeviceKind,
  type DeviceOptions,
  openDevice,
  parseDevice,
  type TensorOptions,
} from "./device.ts";
export type { Binding } from "./binding.ts";
export type { RunOptions, Session } from "./session.ts";
export type { SessionOptions } from "./_session_options.ts";
export type { Port } from "./_signature.ts";
export type { Tensor } from "./tensor.ts";
export type { WebgpuOptions } from "./_webgpu.ts";
export { DeviceUnavailableError, LibraryError, type OrtCode, OrtError } from "./errors.ts";
export { type HandleKind, liveHandles, setLeakReporter } from "./handles.ts";
export { findLibrary, type Library } from "./library.ts";
export { type DeviceReport, inspectRuntime, type RuntimeReport } from "./inspect.ts";
export { type CudaReport, inspectCuda } from "./cuda_report.ts";
export { type CudaCard, type CudaDriver, cudaDriver } from "./_cuda_driver.ts";
export { type CudaNeed, cudaNeeds, cudaRemedies } from "./cuda_needs.ts";
export { type CudaProvider, type CudaWheel, cudaWheel, installedCuda } from "./cuda_provider.ts";
export { cudaFolders } from "./_cuda_files.ts";
export { adapterName } from "./adapter.ts";
