/** Which tensors a session reads and writes. */

import {
  arrayOf,
  byteLength,
  type DataOf,
  type DType,
  type HostTensor,
  type Shape,
} from "../tensor/mod.ts";
import type { Block, Core } from "./_core.ts";
import type { Call } from "./_executor.ts";
import { track } from "./handles.ts";
import { out, readBytes, readHandles, text } from "./_native.ts";
import { checkFit, type Port, portNamed, tensorInfo } from "./_signature.ts";
import type { Tensor } from "./tensor.ts";

interface Bound {
  /** undefined for an output that ONNX Runtime allocates. */
  readonly block: Block | undefined;
  readonly name: Uint8Array<ArrayBuffer>;
  /** Whether ONNX Runtime knows of it. */
  told: boolean;
}

/**
 * Inputs and outputs of a session, bound to tensors. Made by `session.createBinding`. An output may be bound
 * to the very tensor that an input is bound to (or to views of the same memory): that is how a cache is
 * updated in place, by operators that allow it: ScatterND and ScatterElements do on every device, elementwise
 * ones on the CPU only. A bound tensor may be disposed: the binding holds its memory. Nothing is told to
 * ONNX Runtime before the run.
 */
export class Binding implements Disposable {
  readonly #core: Core;
  readonly #session: bigint;
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  readonly #handle: bigint;
  readonly #state: State;
  readonly #close: () => void;

  /** @internal */
  constructor(
    core: Core,
    session: bigint,
    ports: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] },
    owned: Set<() => void>,
  ) {
    this.#core = core;
    this.#session = session;
    this.#inputs = ports.inputs;
    this.#outputs = ports.outputs;
    const handle = out();
    core.native.call("CreateIoBinding", session, handle);
    this.#handle = handle[0]!;
    this.#state = {
      inputs: new Map(),
      outputs: new Map(),
      running: 0,
      closed: false,
      untrack: () => {},
    };
    const state = this.#state;
    this.#close = own(core, owned, this.#handle, state);
    state.untrack = track("binding", this, this.#close);
  }

  /** Binds an input. Throws a TypeError where name, type or shape are not the session's. */
  input(name: string, tensor: Tensor): this {
    this.#alive();
    checkFit(portNamed(this.#inputs, name, "input"), "input", tensor);
    bind(this.#state.inputs, name, tensor.hold(this.#core));
    return this;
  }

  /** Binds an output. Throws a TypeError where name, type or shape are not the session's. */
  output(name: string, tensor: Tensor): this {
    this.#alive();
    checkFit(portNamed(this.#outputs, name, "output"), "output", tensor);
    bind(this.#state.outputs, name, tensor.hold(this.#core));
    return this;
  }

  /** Lets ONNX Runtime allocate an output in host memory, at whatever size it comes to; see `take`. */
  outputOnHost(name: string): this {
    this.#alive();
    portNamed(this.#outputs, name, "output");
    bind(this.#state.outputs, name, undefined);
    return this;
  }

  /**
   * A copy of an output that was bound by `outputOnHost`, as the last run left it. Throws a TypeError where
   * it was not, or before a run.
   */
  take<D extends DType = DType>(name: string): HostTensor<D> {
    this.#alive();
    const { outputs, running } = this.#state;
    if (running > 0) {
      throw new TypeError(`cannot take output ${name}: a run that writes it is not over`);
    }
    const bound = outputs.get(name);
    if (bound === undefined || bound.block !== undefined || !bound.told) {
      throw new TypeError(
        `cannot take output ${name}: expected an output bound by outputOnHost and a finished run`,
      );
    }
    const { native, hostAllocator } = this.#core;
    const [list, count] = [out(), out()];
    native.call("GetBoundOutputValues", this.#handle, hostAllocator, list, count);
    const values = readHandles(list[0]!, Number(count[0]!));
    native.call("AllocatorFree", hostAllocator, list[0]!);
    try {
      // Outputs stay in the order they were first bound in, there as in the map.
      return copyOut(this.#core, values[[...outputs.keys()].indexOf(name)]!) as HostTensor<D>;
    } finally {
      for (const value of values) native.call("ReleaseValue", value);
    }
  }

  /**
   * @internal The calls that make a run of this binding, after the tensors exist; `done` must be called when
   * the run is over. Throws a TypeError where an input or output is not bound.
   */
  async prepare(
    session: bigint,
    runOptions: bigint,
  ): Promise<{ readonly calls: readonly Call[]; done(ok: boolean): void }> {
    this.#alive();
    if (session !== this.#session) {
      throw new TypeError(
        "cannot run a session with another session's binding: make one with createBinding",
      );
    }
    const { inputs, outputs } = this.#state;
    requireAll(this.#inputs, inputs, "input");
    requireAll(this.#outputs, outputs, "output");
    const state = this.#state;
    const bound = [...inputs.values(), ...outputs.values()];
    const held = bound.map(({ block }) => block?.retain());
    state.running++;
    const done = (ok: boolean) => {
      for (const entry of bound) entry.told = ok;
      for (const block of held) block?.release();
      if (--state.running === 0) state.release?.();
    };
    try {
      for (const block of held) await block?.ready;
    } catch (error) {
      done(false);
      throw error;
    }
    const calls: Call[] = [];
    const onDevice = this.#core.memory !== undefined;
    for (const { block, name, told } of inputs.values()) {
      // On a device, binding is also when an input is copied that lies on the other side: bind every time.
      if (!told || onDevice) calls.push(["BindInput", this.#handle, name, block!.value]);
    }
    for (const { block, name, told } of outputs.values()) {
      if (block === undefined) {
        // Bound anew for each run, or the run before's value would be written over, size and all.
        calls.push(["BindOutputToDevice", this.#handle, name, this.#core.hostInfo]);
      } else if (!told || onDevice) {
        calls.push(["BindOutput", this.#handle, name, block.value]);
      }
    }
    calls.push(["RunWithBinding", session, runOptions, this.#handle]);
    return { calls, done };
  }

  #alive(): void {
    if (this.#state.closed || this.#core.closed) {
      throw new TypeError("cannot use a binding: it is disposed, or its session is");
    }
  }

  /** Lets go of the bound tensors, after the run that uses them if there is one. Idempotent. */
  [Symbol.dispose](): void {
    this.#close();
  }
}

interface State {
  readonly inputs: Map<string, Bound>;
  readonly outputs: Map<string, Bound>;
  /** Runs that were asked for and are not over. */
  running: number;
  closed: boolean;
  untrack: () => void;
  /** Set when it is closed during a run. */
  release?: () => void;
}

function bind(entries: Map<string, Bound>, name: string, block: Block | undefined): void {
  const before = entries.get(name);
  entries.set(name, { block, name: before?.name ?? text(name), told: false });
  before?.block?.release();
}

/** Registers what the session closes if nobody else has. Holds no reference to the binding itself. */
function own(
  core: Core,
  owned: Set<() => void>,
  handle: bigint,
  state: State,
): () => void {
  const release = () => {
    // The last reference to a device's value may be the binding's: let go where runs are made.
    if (core.memory === undefined) core.native.call("ReleaseIoBinding", handle);
    else void core.executor.call("ReleaseIoBinding", handle).catch(() => {});
    for (const { block } of [...state.inputs.values(), ...state.outputs.values()]) block?.release();
  };
  const close = () => {
    if (!owned.delete(close)) return;
    state.untrack();
    state.closed = true;
    if (state.running > 0) state.release = release;
    else release();
  };
  owned.add(close);
  return close;
}

function requireAll(
  ports: readonly Port[],
  bound: ReadonlyMap<string, Bound>,
  side: "input" | "output",
): void {
  const missing = ports.filter((port) => !bound.has(port.name));
  if (missing.length === 0) return;
  throw new TypeError(
    `cannot run: expected every ${side} to be bound, got none for ${
      missing.map((port) => port.name).join(", ")
    }`,
  );
}

function copyOut(core: Core, value: bigint): HostTensor {
  const { native } = core;
  const handle = out();
  native.call("GetTensorTypeAndShape", value, handle);
  const info = handle[0]!;
  let dtype: DType;
  let shape: Shape;
  try {
    ({ dtype, shape } = tensorInfo(core, info));
  } finally {
    native.call("ReleaseTensorTypeAndShapeInfo", info);
  }
  native.call("GetTensorMutableData", value, handle);
  const bytes = readBytes(handle[0]!, byteLength(dtype, shape));
  const data = new (arrayOf(dtype))(bytes.buffer) as DataOf[DType];
  return { dtype, shape, data } as HostTensor;
}
