/** The work of making weights in few bits in pieces, and the words that it is told in. */

import { bytesOf, bytesPer, type HostTensor, viewBytes } from "../tensor/mod.ts";
import type { StoredFloat } from "./_quantize_rows.ts";
import { type FewBits, fewBitsShapes, quantize } from "./quantize.ts";
import { openFile, readFully } from "./_read.ts";
import { show } from "./_safetensors_header.ts";
import { WeightsError } from "./weight_file.ts";

/** Rows of a matrix that lies in a file, and where they go in few bits. */
export interface RowsJob {
  readonly name: string;
  readonly dtype: StoredFloat;
  readonly form: FewBits;
  /** The file that they lie in. */
  readonly path: string;
  /** Of the first of these rows, in bytes. */
  readonly offset: number;
  /** Number of the first row in the matrix. */
  readonly first: number;
  readonly rows: number;
  /** Elements of a row. */
  readonly inner: number;
  /** Where the rows in few bits begin in the other file, in bytes. */
  readonly weightAt: number;
  /** Where their scales begin there. */
  readonly scalesAt: number;
}

/** All that a thread is told, once. */
export interface RowsWork {
  readonly jobs: readonly RowsJob[];
  /** The file that is written into. */
  readonly target: string;
  /** Shared by all threads: the next job that nobody has taken, and whether none is to be taken any more. */
  readonly control: Int32Array<SharedArrayBuffer>;
}

/** Places in `control`. */
export const NEXT = 0;
export const STOPPED = 1;

/** What went wrong: with the weights, or with the file that is written into. */
export interface RowsFailure {
  readonly job: number;
  /** The file of the weights, where they are at fault. */
  readonly path?: string;
  /** For the weights what follows their file's name in a `WeightsError`. */
  readonly message: string;
}

/** What a thread tells: bytes that it has written since it last did, a failure, or that it takes no more jobs. */
export type RowsReply =
  | { readonly bytes: number }
  | { readonly failed: RowsFailure }
  | { readonly ended: true };

/** Does jobs until there are no more, or one fails. */
export async function workRows(
  { jobs, target, control }: RowsWork,
  tell: (reply: RowsReply) => void,
): Promise<void> {
  using from = new Source();
  const made = new Room();
  let current = -1;
  try {
    using to = await Deno.open(target, { write: true });
    while (Atomics.load(control, STOPPED) === 0) {
      current = Atomics.add(control, NEXT, 1);
      const job = jobs[current];
      if (!job) break;
      const { weight, scales } = await make(from, made, job);
      writeFully(to, job.weightAt, weight);
      writeFully(to, job.scalesAt, scales);
      tell({ bytes: weight.length + scales.length });
    }
  } catch (error) {
    Atomics.store(control, STOPPED, 1);
    tell({
      failed: error instanceof WeightsError
        ? { job: current, path: error.path, message: error.problem }
        : { job: current, message: (error as Error).message },
    });
  }
  tell({ ended: true });
}

/** Reads rows and makes them. What it gives is good until it is called again. */
async function make(from: Source, made: Room, job: RowsJob) {
  const { name, dtype, path, offset, rows, inner, form, first } = job;
  const bytes = await from.read(path, offset, rows * inner * bytesPer(dtype), name);
  const data = viewBytes(dtype, bytes);
  const tensor = { dtype, shape: [rows, inner], data } as HostTensor<StoredFloat>;
  const [out, blocks, length] = fewBitsShapes([rows, inner], form).weight;
  const room = made.of(out * blocks * length);
  const { weight, scales } = quantizeNamed(tensor, form, { path, name, first, room });
  return { weight: weight.data, scales: bytesOf(scales) };
}

/** Whose rows are made. */
export interface Named {
  readonly path: string;
  readonly name: string;
  /** Number of the first row. Default: 0. */
  readonly first?: number;
  readonly room?: Uint8Array | undefined;
}

/** `quantize`, whose errors say which tensor of which file it is. */
export function quantizeNamed(
  tensor: HostTensor<StoredFloat>,
  form: FewBits,
  { path, name, first, room }: Named,
): ReturnType<typeof quantize> {
  try {
    return quantize(tensor, form, room, first);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new WeightsError(
      path,
      `tensor ${show(name)} cannot be kept in ${form.bits} bits: ${error.message}`,
      { cause: error },
    );
  }
}

/** Memory that is used again and again: to be given new pages each time takes the system long. */
class Room {
  #bytes = new Uint8Array(0);

  of(length: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}

/** The file that was read last stays open, and what was read last is overwritten by what is read next. */
class Source implements Disposable {
  #open: { readonly path: string; readonly file: Deno.FsFile } | undefined;
  readonly #room = new Room();

  async read(path: string, offset: number, length: number, name: string) {
    if (this.#open?.path !== path) {
      this[Symbol.dispose]();
      this.#open = { path, file: await openFile(path) };
    }
    const bytes = this.#room.of(length);
    await readFully(this.#open.file, path, offset, bytes, `tensor ${show(name)}`);
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#open?.file.close();
    this.#open = undefined;
  }
}

/** This thread has nothing else to do meanwhile. */
function writeFully(file: Deno.FsFile, at: number, bytes: Uint8Array): void {
  file.seekSync(at, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
