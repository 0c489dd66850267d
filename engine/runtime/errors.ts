/** What can go wrong between Sluice and ONNX Runtime. */

/** `OrtErrorCode` of onnxruntime_c_api.h, by number. */
const codes: readonly OrtCode[] = [
  "OK",
  "FAIL",
  "INVALID_ARGUMENT",
  "NO_SUCHFILE",
  "NO_MODEL",
  "ENGINE_ERROR",
  "RUNTIME_EXCEPTION",
  "INVALID_PROTOBUF",
  "MODEL_LOADED",
  "NOT_IMPLEMENTED",
  "INVALID_GRAPH",
  "EP_FAIL",
  "MODEL_LOAD_CANCELED",
  "MODEL_REQUIRES_COMPILATION",
  "NOT_FOUND",
];

/** Name of a status code, such as `INVALID_PROTOBUF`; `UNKNOWN` for a number newer than the list. */
export type OrtCode =
  | "OK"
  | "FAIL"
  | "INVALID_ARGUMENT"
  | "NO_SUCHFILE"
  | "NO_MODEL"
  | "ENGINE_ERROR"
  | "RUNTIME_EXCEPTION"
  | "INVALID_PROTOBUF"
  | "MODEL_LOADED"
  | "NOT_IMPLEMENTED"
  | "INVALID_GRAPH"
  | "EP_FAIL"
  | "MODEL_LOAD_CANCELED"
  | "MODEL_REQUIRES_COMPILATION"
  | "NOT_FOUND"
  | "UNKNOWN";

/** ONNX Runtime refused a call. */
export class OrtError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override readonly name = "OrtError";
  /** The C function that gave the status, such as `RunWithBinding`. */
  readonly function: string;
  /** The status code by name. */
  readonly code: OrtCode;
  /** The code's number. */
  readonly number: number;
  /** ONNX Runtime's own words. */
  readonly detail: string;

  /** `detail` is what ONNX Runtime said of it. */
  constructor(functionName: string, code: number, detail: string, options?: ErrorOptions) {
    const codeName = codes[code] ?? "UNKNOWN";
    super(`ONNX Runtime's ${functionName} failed with ${codeName}: ${detail}`, options);
    this.function = functionName;
    this.code = codeName;
    this.number = code;
    this.detail = detail;
  }
}

/** A device is not on this machine, or what it needs is not installed. */
export class DeviceUnavailableError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override readonly name = "DeviceUnavailableError";
  /** The device that was asked for, such as `cuda:0`. */
  readonly device: string;
  /** Why it cannot be used. */
  readonly reason: string;
  /** What to install or to set. */
  readonly remedy: string;

  /** `reason` is told after the device's name, `remedy` is a sentence at the end. */
  constructor(device: string, reason: string, remedy: string, options?: ErrorOptions) {
    super(`cannot use device ${device}: ${reason}. ${remedy}`, options);
    this.device = device;
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** ONNX Runtime's library is missing, or is not the one that is needed. */
export class LibraryError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override readonly name = "LibraryError";
}
