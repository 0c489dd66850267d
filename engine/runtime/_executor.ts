/** A thread of its own for the calls that take long. */

import type { Name } from "./_api.ts";
import type { Failure, RawCall, Reply, Request } from "./_executor_worker.ts";
import { LibraryError, OrtError } from "./errors.ts";
import { count } from "./handles.ts";
import { addresses, type Arguments, type Result } from "./_native.ts";

/** One call of a batch. */
export type Call = { [N in Name]: readonly [name: N, ...args: Arguments<N>] }[Name];

/** How a batch may be given up. */
export interface ExecuteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called in this thread on an abort while the batch is being run: makes ONNX Runtime return early. */
  readonly interrupt?: (() => void) | undefined;
  /** Memory that the calls reach by handles, kept from being collected until they are made. */
  readonly keep?: unknown;
}

interface Job {
  readonly calls: readonly RawCall[];
  /** What the addresses and the options' handles point into, alive until the answer has come. */
  readonly keep: unknown;
  resolve(result: bigint | number | undefined): void;
  reject(reason: unknown): void;
}

/**
 * A Worker that makes calls synchronously, in the order they are asked for, while this thread goes on. Typed
 * arrays among the arguments are written in place (memory is shared by address), so an `out()` holds its
 * handle when the promise settles.
 */
export class Executor implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting: Job[] = [];
  readonly #uncount = count("executor");
  #current: { readonly job: Job | undefined } | undefined;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  /** Seconds spent inside calls so far. */
  busySeconds = 0;

  constructor(library: string) {
    this.#worker = new Worker(new URL("./_executor_worker.ts", import.meta.url), {
      type: "module",
      name: "onnxruntime",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#answer(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new LibraryError(`cannot go on running ONNX Runtime: ${event.message}`));
    };
    this.#current = { job: undefined };
    this.#send({ library });
  }

  /** Makes one call. */
  call<N extends Name>(name: N, ...args: Arguments<N>): Promise<Result<N>> {
    return this.run([[name, ...args] as unknown as Call]) as Promise<Result<N>>;
  }

  /**
   * Makes calls one after another; the first that fails ends the batch and rejects. With an aborted signal
   * it rejects with the signal's reason, at once while the batch waits, after the interrupt has worked
   * while it runs. Gives the last call's result.
   */
  run(
    calls: readonly Call[],
    options: ExecuteOptions = {},
  ): Promise<bigint | number | undefined> {
    if (this.#closed) return Promise.reject(new Error("cannot run: the device is closed"));
    return this.#enqueue(calls, options);
  }

  #enqueue(
    calls: readonly Call[],
    options: ExecuteOptions,
  ): Promise<bigint | number | undefined> {
    const { signal, interrupt, keep } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#failure) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<bigint | number | undefined>();
    const raw = calls.map(([name, ...args]) => [name, addresses(args)] as const);
    const abort = () => {
      if (this.#current?.job === job) return interrupt?.();
      const index = this.#waiting.indexOf(job);
      if (index >= 0) this.#waiting.splice(index, 1);
      signal!.removeEventListener("abort", abort);
      reject(signal!.reason);
    };
    const job: Job = {
      calls: raw,
      keep: [calls, keep],
      resolve: (result) => {
        signal?.removeEventListener("abort", abort);
        if (signal?.aborted) reject(signal.reason);
        else resolve(result);
      },
      reject: (reason) => {
        signal?.removeEventListener("abort", abort);
        reject(signal?.aborted ? signal.reason : reason);
      },
    };
    signal?.addEventListener("abort", abort);
    this.#waiting.push(job);
    this.#next();
    return promise;
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#idle?.();
      return;
    }
    this.#current = { job };
    this.#send({ calls: job.calls });
  }

  #send(request: Request): void {
    this.#worker.postMessage(request);
  }

  #answer(reply: Reply): void {
    const job = this.#current?.job;
    this.#current = undefined;
    if ("failed" in reply) {
      const error = revive(reply.failed);
      if (job) job.reject(error);
      else this.#fail(error);
    } else {
      this.busySeconds += reply.seconds;
      job?.resolve(reply.result);
    }
    this.#next();
  }

  #fail(error: Error): void {
    this.#failure = error;
    const jobs = [this.#current?.job, ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const job of jobs) job?.reject(error);
    this.#idle?.();
  }

  /** Waits for what was asked for, then ends the thread. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= (async () => {
      if (this.#current !== undefined || this.#waiting.length > 0) {
        await new Promise<void>((resolve) => this.#idle = resolve);
      }
      this.#worker.terminate();
      this.#uncount();
    })();
  }
}

function revive(failure: Failure): Error {
  return "function" in failure
    ? new OrtError(failure.function, failure.code, failure.message)
    : new LibraryError(failure.message);
}
