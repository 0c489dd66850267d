/**
 * ONNX Runtime's C API as data. The library exports one function that leads to a table of function pointers,
 * whose order never changes (functions are only ever added at its end), so a place in the table is as good as
 * a name. The places are those of `struct OrtApi` in onnxruntime_c_api.h.
 */

/** Version of the table asked for: that of ONNX Runtime 1.30. */
export const apiVersion = 30;

/**
 * How an argument is passed. A `handle` is an address as a bigint (0n is null), so that it travels between
 * threads; a `buffer` is a typed array that the callee reads or writes during the call.
 */
export type Parameter = "handle" | "buffer" | "i32" | "usize" | "i64";

/** One function: its place, its parameters, and what it gives (nearly always a status). */
export interface Entry {
  readonly slot: number;
  readonly parameters: readonly Parameter[];
  readonly result: "status" | "void" | "handle" | "i32";
}

function status<const P extends readonly Parameter[]>(slot: number, ...parameters: P) {
  return { slot, parameters, result: "status" as const };
}

function release(slot: number) {
  return { slot, parameters: ["handle"] as const, result: "void" as const };
}

/** The functions in use, each below its C declaration (`OrtStatus*` where no result is written). */
export const table = {
  // OrtErrorCode GetErrorCode(const OrtStatus*)
  GetErrorCode: { slot: 1, parameters: ["handle"], result: "i32" },
  // const char* GetErrorMessage(const OrtStatus*)
  GetErrorMessage: { slot: 2, parameters: ["handle"], result: "handle" },
  // CreateEnv(OrtLoggingLevel, const char* logid, OrtEnv** out)
  CreateEnv: status(3, "i32", "buffer", "buffer"),
  // DisableTelemetryEvents(const OrtEnv*)
  DisableTelemetryEvents: status(6, "handle"),
  // CreateSessionFromArray(const OrtEnv*, const void* model, size_t, const OrtSessionOptions*, OrtSession** out)
  CreateSessionFromArray: status(8, "handle", "buffer", "usize", "handle", "buffer"),
  // CreateSessionOptions(OrtSessionOptions** out)
  CreateSessionOptions: status(10, "buffer"),
  // EnableProfiling(OrtSessionOptions*, const ORTCHAR_T* profile_file_prefix)
  EnableProfiling: status(14, "handle", "buffer"),
  // DisableMemPattern(OrtSessionOptions*)
  DisableMemPattern: status(17, "handle"),
  // DisableCpuMemArena(OrtSessionOptions*)
  DisableCpuMemArena: status(19, "handle"),
  // SetSessionGraphOptimizationLevel(OrtSessionOptions*, GraphOptimizationLevel)
  SetSessionGraphOptimizationLevel: status(23, "handle", "i32"),
  // SetIntraOpNumThreads(OrtSessionOptions*, int)
  SetIntraOpNumThreads: status(24, "handle", "i32"),
  // SessionGetInputCount(const OrtSession*, size_t* out)
  SessionGetInputCount: status(30, "handle", "buffer"),
  // SessionGetOutputCount(const OrtSession*, size_t* out)
  SessionGetOutputCount: status(31, "handle", "buffer"),
  // SessionGetInputTypeInfo(const OrtSession*, size_t index, OrtTypeInfo** out)
  SessionGetInputTypeInfo: status(33, "handle", "usize", "buffer"),
  // SessionGetOutputTypeInfo(const OrtSession*, size_t index, OrtTypeInfo** out)
  SessionGetOutputTypeInfo: status(34, "handle", "usize", "buffer"),
  // SessionGetInputName(const OrtSession*, size_t index, OrtAllocator*, char** out)
  SessionGetInputName: status(36, "handle", "usize", "handle", "buffer"),
  // SessionGetOutputName(const OrtSession*, size_t index, OrtAllocator*, char** out)
  SessionGetOutputName: status(37, "handle", "usize", "handle", "buffer"),
  // CreateRunOptions(OrtRunOptions** out)
  CreateRunOptions: status(39, "buffer"),
  // RunOptionsSetTerminate(OrtRunOptions*)
  RunOptionsSetTerminate: status(46, "handle"),
  // CreateTensorAsOrtValue(OrtAllocator*, const int64_t* shape, size_t rank, ONNXTensorElementDataType, OrtValue** out)
  CreateTensorAsOrtValue: status(48, "handle", "buffer", "usize", "i32", "buffer"),
  // CreateTensorWithDataAsOrtValue(const OrtMemoryInfo*, void* data, size_t bytes, const int64_t* shape, size_t rank, ONNXTensorElementDataType, OrtValue** out)
  CreateTensorWithDataAsOrtValue: status(
    49,
    "handle",
    "handle",
    "usize",
    "buffer",
    "usize",
    "i32",
    "buffer",
  ),
  // GetTensorMutableData(OrtValue*, void** out)
  GetTensorMutableData: status(51, "handle", "buffer"),
  // CastTypeInfoToTensorInfo(const OrtTypeInfo*, const OrtTensorTypeAndShapeInfo** out)
  CastTypeInfoToTensorInfo: status(55, "handle", "buffer"),
  // GetTensorElementType(const OrtTensorTypeAndShapeInfo*, ONNXTensorElementDataType* out)
  GetTensorElementType: status(60, "handle", "buffer"),
  // GetDimensionsCount(const OrtTensorTypeAndShapeInfo*, size_t* out)
  GetDimensionsCount: status(61, "handle", "buffer"),
  // GetDimensions(const OrtTensorTypeAndShapeInfo*, int64_t* dims, size_t rank)
  GetDimensions: status(62, "handle", "buffer", "usize"),
  // GetSymbolicDimensions(const OrtTensorTypeAndShapeInfo*, const char** names, size_t rank)
  GetSymbolicDimensions: status(63, "handle", "buffer", "usize"),
  // GetTensorTypeAndShape(const OrtValue*, OrtTensorTypeAndShapeInfo** out)
  GetTensorTypeAndShape: status(65, "handle", "buffer"),
  // CreateMemoryInfo(const char* name, OrtAllocatorType, int id, OrtMemType, OrtMemoryInfo** out)
  CreateMemoryInfo: status(68, "buffer", "i32", "i32", "i32", "buffer"),
  // CreateCpuMemoryInfo(OrtAllocatorType, OrtMemType, OrtMemoryInfo** out)
  CreateCpuMemoryInfo: status(69, "i32", "i32", "buffer"),
  // AllocatorFree(OrtAllocator*, void*)
  AllocatorFree: status(76, "handle", "handle"),
  // GetAllocatorWithDefaultOptions(OrtAllocator** out): not to be released
  GetAllocatorWithDefaultOptions: status(78, "buffer"),
  ReleaseEnv: release(92),
  ReleaseStatus: release(93),
  ReleaseMemoryInfo: release(94),
  ReleaseSession: release(95),
  ReleaseValue: release(96),
  ReleaseRunOptions: release(97),
  ReleaseTypeInfo: release(98),
  ReleaseTensorTypeAndShapeInfo: release(99),
  ReleaseSessionOptions: release(100),
  // SessionEndProfiling(OrtSession*, OrtAllocator*, char** out)
  SessionEndProfiling: status(110, "handle", "handle", "buffer"),
  // AddFreeDimensionOverrideByName(OrtSessionOptions*, const char* name, int64_t value)
  AddFreeDimensionOverrideByName: status(124, "handle", "buffer", "i64"),
  // GetAvailableProviders(char*** out, int* count)
  GetAvailableProviders: status(125, "buffer", "buffer"),
  // ReleaseAvailableProviders(char**, int count)
  ReleaseAvailableProviders: status(126, "handle", "i32"),
  // AddSessionConfigEntry(OrtSessionOptions*, const char* key, const char* value)
  AddSessionConfigEntry: status(130, "handle", "buffer", "buffer"),
  // CreateAllocator(const OrtSession*, const OrtMemoryInfo*, OrtAllocator** out)
  CreateAllocator: status(131, "handle", "handle", "buffer"),
  ReleaseAllocator: release(132),
  // RunWithBinding(OrtSession*, const OrtRunOptions*, const OrtIoBinding*)
  RunWithBinding: status(133, "handle", "handle", "handle"),
  // CreateIoBinding(OrtSession*, OrtIoBinding** out)
  CreateIoBinding: status(134, "handle", "buffer"),
  ReleaseIoBinding: release(135),
  // BindInput(OrtIoBinding*, const char* name, const OrtValue*)
  BindInput: status(136, "handle", "buffer", "handle"),
  // BindOutput(OrtIoBinding*, const char* name, const OrtValue*)
  BindOutput: status(137, "handle", "buffer", "handle"),
  // BindOutputToDevice(OrtIoBinding*, const char* name, const OrtMemoryInfo*)
  BindOutputToDevice: status(138, "handle", "buffer", "handle"),
  // GetBoundOutputNames(const OrtIoBinding*, OrtAllocator*, char** names, size_t** lengths, size_t* count)
  GetBoundOutputNames: status(139, "handle", "handle", "buffer", "buffer", "buffer"),
  // GetBoundOutputValues(const OrtIoBinding*, OrtAllocator*, OrtValue*** out, size_t* count)
  GetBoundOutputValues: status(140, "handle", "handle", "buffer", "buffer"),
  // SessionOptionsAppendExecutionProvider_CUDA_V2(OrtSessionOptions*, const OrtCUDAProviderOptionsV2*)
  SessionOptionsAppendExecutionProvider_CUDA_V2: status(204, "handle", "handle"),
  // CreateCUDAProviderOptions(OrtCUDAProviderOptionsV2** out)
  CreateCUDAProviderOptions: status(205, "buffer"),
  // UpdateCUDAProviderOptions(OrtCUDAProviderOptionsV2*, const char* const* keys, const char* const* values, size_t)
  UpdateCUDAProviderOptions: status(206, "handle", "buffer", "buffer", "usize"),
  ReleaseCUDAProviderOptions: release(208),
  // SessionOptionsAppendExecutionProvider(OrtSessionOptions*, const char* name, const char* const* keys, const char* const* values, size_t)
  SessionOptionsAppendExecutionProvider: status(
    216,
    "handle",
    "buffer",
    "buffer",
    "buffer",
    "usize",
  ),
  // SessionOptionsSetLoadCancellationFlag(OrtSessionOptions*, bool)
  SessionOptionsSetLoadCancellationFlag: status(293, "handle", "i32"),
  // RegisterExecutionProviderLibrary(OrtEnv*, const char* registration_name, const ORTCHAR_T* path)
  RegisterExecutionProviderLibrary: status(301, "handle", "buffer", "buffer"),
  // GetEpDevices(const OrtEnv*, const OrtEpDevice* const** out, size_t* count): owned by the environment
  GetEpDevices: status(303, "handle", "buffer", "buffer"),
  // SessionOptionsAppendExecutionProvider_V2(OrtSessionOptions*, OrtEnv*, const OrtEpDevice* const*, size_t, const char* const* keys, const char* const* values, size_t)
  SessionOptionsAppendExecutionProvider_V2: status(
    304,
    "handle",
    "handle",
    "buffer",
    "usize",
    "buffer",
    "buffer",
    "usize",
  ),
  // const char* HardwareDevice_Vendor(const OrtHardwareDevice*)
  HardwareDevice_Vendor: { slot: 309, parameters: ["handle"], result: "handle" },
  // const char* EpDevice_EpName(const OrtEpDevice*)
  EpDevice_EpName: { slot: 312, parameters: ["handle"], result: "handle" },
  // const OrtHardwareDevice* EpDevice_Device(const OrtEpDevice*)
  EpDevice_Device: { slot: 316, parameters: ["handle"], result: "handle" },
  // const OrtMemoryInfo* EpDevice_MemoryInfo(const OrtEpDevice*, OrtDeviceMemoryType)
  EpDevice_MemoryInfo: { slot: 374, parameters: ["handle", "i32"], result: "handle" },
  // CopyTensors(const OrtEnv*, const OrtValue* const* src, OrtValue* const* dst, OrtSyncStream*, size_t)
  CopyTensors: status(386, "handle", "buffer", "buffer", "handle", "usize"),
} as const satisfies Readonly<Record<string, Entry>>;

/** Name of a function of the table. */
export type Name = keyof typeof table;
