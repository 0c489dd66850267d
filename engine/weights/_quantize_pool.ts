/** Threads that make weights in few bits together. */

import { bytesPer } from "../tensor/mod.ts";
import {
  type RowsFailure,
  type RowsJob,
  type RowsReply,
  type RowsWork,
  STOPPED,
} from "./_quantize_job.ts";
import { WeightsError } from "./weight_file.ts";

/** Bytes that a thread reads at once, unless a single row is longer. */
const JOB = 2 << 20;

/** Threads at most: beyond that files are read and written no faster. */
const MOST = 8;

/** Bytes that a thread more is made for: it takes about as long to start as to make these. */
const EACH = 32 << 20;

/** How rows are made. */
export interface PoolOptions {
  /** The weights' own file, for errors. */
  readonly path: string;
  /** The file that is written into. */
  readonly target: string;
  /** Threads at most, from 1; more than 8 are 8. Default: the machine's. */
  readonly threads?: number | undefined;
  /** Bytes for which a thread more is made. Default: 32 MiB. */
  readonly each?: number;
  /** Aborted: it rejects with the signal's reason, when no thread writes any more. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes more have been written. */
  readonly written?: ((bytes: number) => void) | undefined;
}

/** A matrix, as the job that would make it at once. */
export type Matrix = Omit<RowsJob, "first">;

/** Cuts a matrix into jobs of a few megabytes. */
export function jobsOf(matrix: Matrix, bytes: number = JOB): RowsJob[] {
  const { rows, inner, dtype, form } = matrix;
  const wide = Math.ceil(inner / form.block) * form.block;
  const stored = inner * bytesPer(dtype);
  const scales = wide / form.block * bytesPer(form.scales);
  const step = Math.max(1, Math.floor(bytes / stored));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const first = i * step;
    return {
      ...matrix,
      first,
      rows: Math.min(step, rows - first),
      offset: matrix.offset + first * stored,
      weightAt: matrix.weightAt + first * wide * form.bits / 8,
      scalesAt: matrix.scalesAt + first * scales,
    };
  });
}

/**
 * Does jobs in threads of their own, each of which takes the next one that is left. What comes of it does not depend
 * on how many they are, nor which of several errors it rejects with: that of the first job.
 *
 * Rejects with a `WeightsError` where it is the weights' fault, with another error where it is that of the file that
 * is written into.
 */
export async function makeRows(jobs: readonly RowsJob[], options: PoolOptions): Promise<void> {
  const { target, signal, threads, each = EACH } = options;
  signal?.throwIfAborted();
  const bytes = jobs.reduce((sum, job) => sum + job.rows * job.inner * bytesPer(job.dtype), 0);
  const most = Math.min(MOST, threads ?? navigator.hardwareConcurrency);
  const count = Math.max(1, Math.min(most, Math.ceil(bytes / each)));
  const control = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const stop = () => void Atomics.store(control, STOPPED, 1);
  signal?.addEventListener("abort", stop);
  try {
    const work: RowsWork = { jobs, target, control };
    const ended = Array.from({ length: count }, () => runThread(work, options));
    // A thread that cannot go on ends the others too; none of them is to be at work when this settles.
    for (const thread of ended) thread.catch(stop);
    const all = await Promise.allSettled(ended);
    signal?.throwIfAborted();
    for (const thread of all) if (thread.status === "rejected") throw thread.reason;
    const failures = all.flatMap((thread) => thread.status === "fulfilled" ? thread.value : []);
    const [failure] = failures.toSorted((a, b) => a.job - b.job);
    if (failure?.path !== undefined) throw new WeightsError(failure.path, failure.message);
    if (failure) throw new Error(failure.message);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Runs one thread to its end. Gives what went wrong with its jobs; rejects where it is the thread itself. */
async function runThread(work: RowsWork, { path, written }: PoolOptions): Promise<RowsFailure[]> {
  const worker = new Worker(new URL("./_quantize_worker.ts", import.meta.url), {
    type: "module",
    name: "weights",
  });
  const failures: RowsFailure[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<RowsReply>) => {
        if ("failed" in data) failures.push(data.failed);
        if ("ended" in data) resolve();
        if (!("bytes" in data)) return;
        try {
          written?.(data.bytes);
        } catch (error) {
          reject(error);
        }
      };
      worker.onerror = (event) => {
        event.preventDefault();
        const problem = `a thread that makes its tensors has ended: ${event.message}`;
        reject(new WeightsError(path, problem));
      };
      worker.postMessage(work);
    });
  } finally {
    worker.terminate();
  }
  return failures;
}
