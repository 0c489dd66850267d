/** Options of a session, and how they become ONNX Runtime's. */

import type { Core } from "./_core.ts";
import { out, pathText, text } from "./_native.ts";

/** How a graph is loaded. */
export interface SessionOptions {
  /** Folder that the locations of external initializers start from; they must stay inside it. */
  readonly externalFolder?: string;
  /**
   * Whether weights are rearranged for faster matrix products (default true). Costs a copy of the weights
   * and time; without it, external weights stay mapped from their file.
   */
  readonly prepack?: boolean;
  /** How far the graph is optimized on loading (default `all`). */
  readonly optimization?: "all" | "extended" | "basic" | "none";
  /** Start of the path of a JSON profile; `endProfiling` gives the whole path. */
  readonly profile?: string;
  /**
   * Whether CUDA may use tensor cores for products of float32, which then keep 10 bits of 23 (TF32). Default: false.
   * ONNX Runtime has one switch for all types: without it convolutions in float16 do without tensor cores too, so
   * graphs whose products are all in float16 set it. Of no meaning for other devices.
   */
  readonly tf32?: boolean;
  /**
   * Whether the ordinary memory that a run has taken is kept for the next (default true). Given back, it must be made
   * anew by the system, which costs a tenth of the time of large convolutions: for graphs that run once in a while.
   */
  readonly keepMemory?: boolean;
  /** Sizes for symbolic axes, by name. */
  readonly freeDimensions?: Readonly<Record<string, number>>;
  /** Threads inside an operator, from 1 (default: the device's). */
  readonly threads?: number;
  /** Further `AddSessionConfigEntry` pairs. */
  readonly config?: Readonly<Record<string, string>>;
  /** Gives up loading. */
  readonly signal?: AbortSignal | undefined;
}

// GraphOptimizationLevel of onnxruntime_c_api.h
const levels = { none: 0, basic: 1, extended: 2, all: 99 } as const;

/** An `OrtSessionOptions*`, to be released by whoever asked. */
export async function sessionOptions(core: Core, options: SessionOptions): Promise<bigint> {
  const { native } = core;
  const handle = out();
  native.call("CreateSessionOptions", handle);
  const result = handle[0]!;
  try {
    // The first run of a session would show what memory its values need, and the second would get one block of that size
    // beside the pieces of the first, which the arena keeps: up to twice the memory, and no time is saved
    // (microsoft/onnxruntime#14477 and #15005).
    native.call("DisableMemPattern", result);
    if (options.keepMemory === false) native.call("DisableCpuMemArena", result);
    native.call("SetIntraOpNumThreads", result, options.threads ?? core.threads);
    const level = levels[options.optimization ?? "all"];
    native.call("SetSessionGraphOptimizationLevel", result, level);
    const config: Record<string, string> = {
      "session.intra_op.allow_spinning": core.spin ? "1" : "0",
      ...(options.prepack === false && { "session.disable_prepacking": "1" }),
      ...(options.externalFolder !== undefined && {
        "session.model_external_initializers_file_folder_path": options.externalFolder,
      }),
      ...options.config,
    };
    for (const [key, value] of Object.entries(config)) {
      native.call("AddSessionConfigEntry", result, text(key), text(value));
    }
    for (const [name, size] of Object.entries(options.freeDimensions ?? {})) {
      native.call("AddFreeDimensionOverrideByName", result, text(name), BigInt(size));
    }
    if (options.profile !== undefined) {
      native.call("EnableProfiling", result, pathText(options.profile));
    }
    await core.appendProvider(result, options);
    return result;
  } catch (error) {
    native.call("ReleaseSessionOptions", result);
    throw error;
  }
}
