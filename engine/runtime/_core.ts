/** What everything made on a device shares; internal to the room. */

import { count } from "./handles.ts";
import type { ProviderSettings } from "./_cuda_options.ts";
import type { Executor } from "./_executor.ts";
import { findLibrary } from "./library.ts";
import { type Native, openNative, out, pin, text } from "./_native.ts";

/** Only messages of level fatal: what fails is thrown, and would be on stderr a second time. */
const logLevel = 4;

/** ONNX Runtime in this process: one environment, made on first use and kept to the end. */
export interface Environment {
  readonly native: Native;
  /** `OrtEnv*` */
  readonly env: bigint;
  /** `OrtMemoryInfo*` of ordinary memory. */
  readonly hostInfo: bigint;
  /** `OrtAllocator*` of ordinary memory. */
  readonly hostAllocator: bigint;
}

let environment: Environment | undefined;

/** The environment. Throws a LibraryError where the library is missing or wrong. */
export function openEnvironment(): Environment {
  if (environment === undefined) {
    const native = openNative(findLibrary().path);
    pin(native.path);
    const handle = out();
    native.call("CreateEnv", logLevel, text("sluice"), handle);
    const env = handle[0]!;
    native.call("DisableTelemetryEvents", env);
    // OrtDeviceAllocator 0, OrtMemTypeDefault 0
    native.call("CreateCpuMemoryInfo", 0, 0, handle);
    const hostInfo = handle[0]!;
    native.call("GetAllocatorWithDefaultOptions", handle);
    environment = { native, env, hostInfo, hostAllocator: handle[0]! };
  }
  return environment;
}

/** A device as its sessions and tensors see it. */
export interface Core extends Environment {
  readonly name: string;
  readonly threads: number;
  readonly spin: boolean;
  readonly executor: Executor;
  /** Memory of the device, where it has one of its own. */
  memory: { readonly info: bigint; readonly allocator: bigint } | undefined;
  /** Adds the device's execution provider to session options. */
  appendProvider(options: bigint, settings?: ProviderSettings): Promise<void>;
  /** What must be closed before the device is, in the order it was made. */
  readonly owned: Set<() => void | Promise<void>>;
  closed: boolean;
  /** Kept from being collected while anything made on it is in use. */
  device?: unknown;
}

/**
 * A value of ONNX Runtime with the memory below it, counted: it is freed when the tensor, the views made
 * from it, the bindings that name it and the runs that use it have all let go.
 */
export class Block {
  /** `OrtValue*`; 0n until `ready` has settled. */
  value = 0n;
  /** Address of the first byte, or the device's handle of the buffer. */
  address = 0n;
  /** Settles when the value exists; undefined where it exists from the start. */
  ready: Promise<void> | undefined;
  readonly bytes: number;
  readonly #core: Core;
  readonly #parent: Block | undefined;
  /** Ordinary memory, if that is where it lies. */
  readonly host: Uint8Array<ArrayBuffer> | undefined;
  readonly #uncount = count("value");
  /** Whether someone may look at the memory who is not counted. */
  shared = false;
  #holders = 1;

  constructor(
    core: Core,
    bytes: number,
    memory: { readonly host?: Uint8Array<ArrayBuffer>; readonly parent?: Block },
  ) {
    this.#core = core;
    this.bytes = bytes;
    this.host = memory.host;
    this.#parent = memory.parent?.retain();
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.#free();
  }

  #free(): void {
    this.#uncount();
    const { native, executor, memory } = this.#core;
    if (this.host !== undefined || memory === undefined) {
      native.call("ReleaseValue", this.value);
      // Gives the memory back now; typed arrays that still look at it become empty rather than wrong.
      if (this.#parent === undefined && !this.shared) this.host?.buffer.transfer(0);
    } else {
      // A device's memory is freed where it is used, after what was asked for before.
      const free = () => executor.call("ReleaseValue", this.value).catch(() => {});
      if (this.ready === undefined) free();
      else this.ready.then(free, () => {});
    }
    this.#parent?.release();
  }
}
