/** Where graphs run: the processor, or a graphics card. */

import type { DType, Shape } from "../tensor/mod.ts";
import { type Core, openEnvironment } from "./_core.ts";
import { openCuda } from "./_cuda.ts";
import { Executor } from "./_executor.ts";
import { reportLeak, track } from "./handles.ts";
import { findLibrary } from "./library.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./_session_options.ts";
import { Tensor } from "./tensor.ts";
import { openWebgpu, type WebgpuOptions } from "./_webgpu.ts";

/** A kind of device. */
export type DeviceKind = "cpu" | "webgpu" | "cuda";

/** How a device is opened. */
export interface DeviceOptions {
  /** Threads inside one operator on the processor, from 1 (default: all there are). */
  readonly threads?: number;
  /**
   * Whether those threads wait for work by spinning (default false). Spinning answers faster and takes
   * the processor from everyone else: leave it off where two devices share the cores.
   */
  readonly spin?: boolean;
  /** Settings of the WebGPU provider; of no meaning for other devices. */
  readonly webgpu?: WebgpuOptions;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

/** How a tensor is made. */
export interface TensorOptions {
  /** Where: the device's own memory (default), or the host's. On the CPU they are the same. */
  readonly on?: "device" | "host";
}

/** A device that was opened. Owns what is made on it: closing it frees that too. */
export interface Device extends AsyncDisposable {
  /** What sort of device it is. */
  readonly kind: DeviceKind;
  /** As it was asked for, such as `cuda:0`. */
  readonly name: string;
  /** Threads inside one operator on the processor. */
  readonly threads: number;
  /**
   * Seconds that its thread has spent inside ONNX Runtime. GPU devices share one thread; `webgpu` counts the time until
   * work was handed to the card, `cuda` until it was done, for ONNX Runtime waits for it at the end of a run.
   */
  readonly busySeconds: number;
  /**
   * Loads a graph, off this thread. The bytes must not change until it is done. Rejects with an OrtError
   * where ONNX Runtime refuses it, with the signal's reason where that is aborted.
   */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
  /**
   * A tensor: zeros on the host; on a device's own memory anything at all, until written. There the memory
   * is made in the background, and a failure rejects the first write, read or run that needs it.
   */
  createTensor<D extends DType>(dtype: D, shape: Shape, options?: TensorOptions): Tensor<D>;
}

/** Splits a device's name; throws a TypeError where it is none. */
export function parseDevice(name: string): { readonly kind: DeviceKind; readonly index: number } {
  const match = /^(?:(cpu|webgpu)|(cuda)(?::(\d+))?)$/.exec(name);
  if (match === null) {
    throw new TypeError(`cannot open device ${name}: expected cpu, webgpu, cuda or cuda:n`);
  }
  return { kind: (match[1] ?? match[2]) as DeviceKind, index: Number(match[3] ?? 0) };
}

/**
 * Opens a device. Every `cpu` has threads of its own, so that two of them work side by side; GPU devices
 * share one thread, because their provider bears only one at a time. Rejects with a
 * DeviceUnavailableError where the device is missing, saying what to install, and with a LibraryError where ONNX
 * Runtime itself is. An open device keeps the process alive: close it, best by `await using`.
 */
export async function openDevice(name: string, options: DeviceOptions = {}): Promise<Device> {
  const { kind, index } = parseDevice(name);
  const threads = options.threads ?? navigator.hardwareConcurrency;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(
      `cannot open device ${name}: expected a whole number of threads from 1, got ${threads}`,
    );
  }
  options.signal?.throwIfAborted();
  // The thread starts while this one opens the library: each takes some 20 ms.
  const lease = kind === "cpu" ? ownExecutor() : gpuExecutor.lease();
  let core: Core | undefined;
  try {
    core = {
      ...openEnvironment(),
      name,
      threads,
      spin: options.spin ?? false,
      executor: lease.executor,
      memory: undefined,
      appendProvider: () => Promise.resolve(),
      owned: new Set(),
      closed: false,
    };
    if (kind === "webgpu") await openWebgpu(core, options.webgpu ?? {});
    else if (kind === "cuda") await openCuda(core, index);
    options.signal?.throwIfAborted();
  } catch (error) {
    if (core === undefined) await lease.end();
    else await close(core, lease);
    throw error;
  }
  return new OpenDevice(kind, core, lease);
}

/** Use of a thread until it is given back. */
interface Lease {
  readonly executor: Executor;
  end(): Promise<void>;
}

function ownExecutor(): Lease {
  const executor = new Executor(findLibrary().path);
  return { executor, end: () => executor[Symbol.asyncDispose]() };
}

/** The one thread of all GPU devices: started for the first, ended with the last. */
const gpuExecutor = {
  executor: undefined as Executor | undefined,
  users: 0,
  lease(): Lease {
    const executor = this.executor ??= new Executor(findLibrary().path);
    this.users++;
    return {
      executor,
      end: async () => {
        if (--this.users > 0) return;
        this.executor = undefined;
        await executor[Symbol.asyncDispose]();
      },
    };
  },
};

class OpenDevice implements Device {
  readonly kind: DeviceKind;
  readonly name: string;
  readonly threads: number;
  readonly #core: Core;
  readonly #lease: Lease;
  readonly #untrack: () => void;
  #closed: Promise<void> | undefined;

  constructor(kind: DeviceKind, core: Core, lease: Lease) {
    this.kind = kind;
    this.name = core.name;
    this.threads = core.threads;
    this.#core = core;
    this.#lease = lease;
    // What was made on it holds the core, and so the device: it is collected when all of that is unused.
    core.device = this;
    const name = core.name;
    this.#untrack = track("device", this, () => reportLeak(`device ${name}`));
  }

  get busySeconds(): number {
    return this.#core.executor.busySeconds;
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    this.#alive("load a graph");
    // ONNX Runtime reads the bytes by their address, which a shared or resizable buffer does not promise.
    const fixed = model.buffer instanceof ArrayBuffer && !model.buffer.resizable;
    const bytes = (fixed ? model : model.slice()) as Uint8Array<ArrayBuffer>;
    return await Session.create(this.#core, bytes, options);
  }

  createTensor<D extends DType>(
    dtype: D,
    shape: Shape,
    { on = "device" }: TensorOptions = {},
  ): Tensor<D> {
    this.#alive("make a tensor");
    return Tensor.create(this.#core, dtype, shape, on);
  }

  #alive(what: string): void {
    if (this.#core.closed) throw new TypeError(`cannot ${what} on ${this.name}: it is closed`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= (async () => {
      this.#untrack();
      await close(this.#core, this.#lease);
    })();
  }
}

/** Waits for what was asked for, then closes what is open, last made first. */
async function close(core: Core, lease: Lease): Promise<void> {
  core.closed = true;
  try {
    await core.executor.run([]);
    // Whoever waited for a run lets go of what it used before anything is freed.
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const closer of [...core.owned].reverse()) await closer();
    await core.executor.run([]);
  } finally {
    await lease.end();
  }
}
