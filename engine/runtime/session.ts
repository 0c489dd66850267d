/** A graph loaded on a device. */

import { Binding } from "./binding.ts";
import type { Core } from "./_core.ts";
import { track } from "./handles.ts";
import { out, readText } from "./_native.ts";
import { type Port, portsOf } from "./_signature.ts";
import { type SessionOptions, sessionOptions } from "./_session_options.ts";

/** How a run may be given up. */
export interface RunOptions {
  /** Ends a run early, between two operators; the run rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A graph loaded on a device. Made by `device.createSession`. */
export class Session implements AsyncDisposable {
  /** What the graph takes, in its order. */
  readonly inputs: readonly Port[];
  /** What the graph gives, in its order. */
  readonly outputs: readonly Port[];
  readonly #core: Core;
  readonly #handle: bigint;
  readonly #bindings = new Set<() => void>();
  readonly #runs = new Set<Promise<void>>();
  readonly #close: () => Promise<void>;
  #closed: Promise<void> | undefined;

  private constructor(core: Core, handle: bigint) {
    this.#core = core;
    this.#handle = handle;
    const owned = own(core, handle, this.#bindings, this.#runs);
    this.#close = owned.close;
    owned.untrack = track("session", this, () => void owned.close().catch(() => {}));
    this.inputs = portsOf(core, handle, "Input");
    this.outputs = portsOf(core, handle, "Output");
  }

  /** @internal */
  static async create(
    core: Core,
    model: Uint8Array<ArrayBuffer>,
    options: SessionOptions,
  ): Promise<Session> {
    const { native, env, executor } = core;
    options.signal?.throwIfAborted();
    const settings = await sessionOptions(core, options);
    try {
      const handle = out();
      try {
        await executor.run([
          ["CreateSessionFromArray", env, model, model.byteLength, settings, handle],
        ], {
          signal: options.signal,
          interrupt: () => native.call("SessionOptionsSetLoadCancellationFlag", settings, 1),
        });
      } catch (error) {
        // The abort may have come when the session was made already.
        if (handle[0] !== 0n) await executor.call("ReleaseSession", handle[0]!);
        throw error;
      }
      return new Session(core, handle[0]!);
    } finally {
      native.call("ReleaseSessionOptions", settings);
    }
  }

  /** A binding with nothing bound yet. */
  createBinding(): Binding {
    this.#alive("bind");
    return new Binding(this.#core, this.#handle, this, this.#bindings);
  }

  /**
   * Runs the graph on what is bound, off this thread. Runs on one device are made one after another, in
   * the order they were asked for. Rejects with an OrtError where an operator fails, with the signal's
   * reason where that is aborted: bound outputs may then be half-written. On `webgpu` it settles when the work was
   * handed over, and a read waits for it; on `cuda` when it is done.
   */
  run(binding: Binding, options: RunOptions = {}): Promise<void> {
    const run = this.#run(binding, options);
    this.#runs.add(run);
    const over = () => this.#runs.delete(run);
    run.then(over, over);
    return run;
  }

  async #run(binding: Binding, { signal }: RunOptions): Promise<void> {
    this.#alive("run");
    signal?.throwIfAborted();
    const { native, executor } = this.#core;
    let runOptions = 0n;
    if (signal) {
      const handle = out();
      native.call("CreateRunOptions", handle);
      runOptions = handle[0]!;
    }
    let done: ((ok: boolean) => void) | undefined;
    let ok = false;
    try {
      const run = await binding.prepare(this.#handle, runOptions);
      done = run.done;
      await executor.run(run.calls, {
        signal,
        interrupt: () => native.call("RunOptionsSetTerminate", runOptions),
      });
      ok = true;
    } finally {
      done?.(ok);
      if (runOptions !== 0n) native.call("ReleaseRunOptions", runOptions);
    }
  }

  /** Ends profiling and gives the path of the JSON file; needs the option `profile`. */
  async endProfiling(): Promise<string> {
    this.#alive("end the profile of");
    const { native, executor, hostAllocator } = this.#core;
    const handle = out();
    await executor.call("SessionEndProfiling", this.#handle, hostAllocator, handle);
    const path = readText(handle[0]!);
    native.call("AllocatorFree", hostAllocator, handle[0]!);
    return path;
  }

  #alive(what: string): void {
    if (this.#closed || this.#core.closed) {
      throw new TypeError(`cannot ${what} a session: it is disposed`);
    }
  }

  /** Waits for the runs asked for, then frees the session and its bindings. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }
}

/** Registers what the device closes if nobody else has. Refers to no session. */
function own(
  core: Core,
  handle: bigint,
  bindings: ReadonlySet<() => void>,
  runs: ReadonlySet<Promise<void>>,
) {
  const owned = {
    untrack: () => {},
    async close() {
      if (!core.owned.delete(owned.close)) return;
      owned.untrack();
      await Promise.allSettled(runs);
      for (const close of bindings) close();
      await core.executor.call("ReleaseSession", handle);
    },
  };
  core.owned.add(owned.close);
  return owned;
}
