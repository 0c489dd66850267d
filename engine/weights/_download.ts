/** One file from a server onto the disk: resumed where it stopped, checked before it gets its name. */

import { createHash, type Hash } from "node:crypto";
import type { RemoteFile } from "./_hub.ts";
import { takeAlone } from "./_lock.ts";
import { checkStatus, DownloadError, Passing, persist, request } from "./_requests.ts";
import type { RequestOptions } from "./_requests.ts";

/** What to fetch, and what is known of it. */
export interface DownloadJob {
  /** In messages. */
  readonly what: string;
  readonly address: string;
  /** Where people read about it. */
  readonly page: string;
  /** The whole file; only a checked one gets this name. */
  readonly target: string;
  readonly expected: RemoteFile;
  /** Whether what came earlier is thrown away. */
  readonly restart: boolean;
  /** Bytes that have just come, and all that are there. */
  onBytes(count: number, done: number): void;
  onWait(reason: string, milliseconds: number): void;
}

/** A file that has come. */
export interface Downloaded {
  readonly bytes: number;
  readonly sha256: string;
}

/** Where the beginning of a file waits for the rest: another version of the file has another name. */
export function partOf(target: string, { sha256, etag }: RemoteFile): string {
  const mark = (sha256 ?? etag ?? "").replace(/[^\w]/g, "").slice(0, 16);
  return mark === "" ? `${target}.part` : `${target}.${mark}.part`;
}

/** Fetches a file. What has come stays when it fails, unless it is known to be wrong. */
export async function download(job: DownloadJob, options: RequestOptions): Promise<Downloaded> {
  const path = partOf(job.target, job.expected);
  await using part = await Part.open(path, job, options.signal);
  if (job.restart || part.done > (job.expected.bytes ?? Infinity)) await part.restart();
  await persist(
    job.what,
    () => fetchRest(job, part, options),
    options,
    () => part.done,
    job.onWait,
  );
  const { sha256, problem } = part.check();
  if (problem) {
    await part.discard();
    throw new DownloadError(
      `${job.what} has come damaged and was thrown away: ${problem}. Run the same command again.`,
    );
  }
  await part.finish(job.target);
  return { bytes: part.done, sha256 };
}

/** Asks for what is missing and writes it until the end, or until the connection fails. */
async function fetchRest(job: DownloadJob, part: Part, options: RequestOptions): Promise<void> {
  const { what, address, page } = job;
  if (part.bytes !== undefined && part.done === part.bytes) return;
  const from = part.done;
  const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await request("GET", address, range, options);
  if (response.status === 416 && from > 0) return await outOfRange(response, job, part, options);
  try {
    checkStatus(response, what, page);
    const total = announced(response, what, from);
    if (total !== undefined) {
      part.bytes ??= total;
      if (part.bytes !== total) {
        throw new DownloadError(
          `${what} cannot be fetched: the server has ${total} bytes of it where ${part.bytes} were announced.`,
        );
      }
    }
    if (part.bytes === undefined && job.expected.sha256 === undefined) {
      throw new DownloadError(
        `${what} cannot be fetched: the server says neither how long it is nor its checksum, so that a ` +
          "broken transfer could not be told from a whole one.",
      );
    }
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  await drain(response, job, part, options);
  if (part.bytes !== undefined && part.done < part.bytes) {
    throw new Passing(`the connection ended after ${part.done} of ${part.bytes} bytes`);
  }
}

/** The size of the whole file that an answer announces. Throws where it is not the part asked for. */
function announced({ status, headers }: Response, what: string, from: number): number | undefined {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new DownloadError(`${what} cannot be fetched: the server sends it as ${encoding}.`);
  }
  if (status === 200) {
    if (from > 0) {
      throw new DownloadError(
        `${what} cannot be resumed: the server sends it from the beginning though ${from} bytes are here. ` +
          "To fetch it all again: --restart.",
        { mendable: true },
      );
    }
    const length = headers.get("content-length");
    return length === null ? undefined : Number(length);
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (range === null || Number(range[1]) !== from) {
    throw new DownloadError(
      `${what} cannot be resumed: asked for bytes from ${from} on, the server sends ${
        range === null ? "some that it does not number" : `those from ${range[1]} on`
      }. To fetch it all again: --restart.`,
      { mendable: true },
    );
  }
  return range[3] === "*" ? undefined : Number(range[3]);
}

/** The server knows fewer bytes than are here, or just as many. */
async function outOfRange(
  response: Response,
  job: DownloadJob,
  part: Part,
  options: RequestOptions,
): Promise<void> {
  await response.body?.cancel();
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (total !== undefined && Number(total) === part.done) {
    part.bytes ??= part.done;
    return;
  }
  // What is here is of another file.
  await part.restart();
  await fetchRest(job, part, options);
}

async function drain(
  { body }: Response,
  job: DownloadJob,
  part: Part,
  { signal, idle }: RequestOptions,
): Promise<void> {
  const reader = body!.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Passing("nothing comes any more")), idle);
      });
      const { value, done } = await Promise.race([
        reader.read().catch((error) => {
          throw new Passing(`the connection broke (${(error as Error).message})`);
        }),
        late,
      ]).finally(() => clearTimeout(timer));
      signal?.throwIfAborted();
      if (done) return;
      const room = (part.bytes ?? Infinity) - part.done;
      const bytes = value.length > room ? value.subarray(0, room) : value;
      await part.append(bytes, job.what);
      job.onBytes(bytes.length, part.done);
      if (bytes === value) continue;
      // What is too much is left out, and the checksum tells whether the rest is the file.
      if (job.expected.sha256 !== undefined || job.expected.gitSha1 !== undefined) return;
      await part.discard();
      throw new DownloadError(
        `${job.what} cannot be fetched: the server sends more than the ${part.bytes} bytes it announced.`,
      );
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    await reader.cancel().catch(() => {});
  }
}

/** The beginning of a file, on the disk, with its checksums so far. */
class Part implements AsyncDisposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #expected: RemoteFile;
  #sha256!: Hash;
  #gitSha1: Hash | undefined;
  #open = true;
  done = 0;
  /** In all, as far as known. */
  bytes: number | undefined;

  private constructor(path: string, file: Deno.FsFile, expected: RemoteFile) {
    this.#path = path;
    this.#file = file;
    this.#expected = expected;
    this.bytes = expected.bytes;
    this.#begin();
  }

  static async open(
    path: string,
    { what, expected }: DownloadJob,
    signal: AbortSignal | undefined,
  ): Promise<Part> {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    const part = new Part(path, file, expected);
    try {
      if (!await takeAlone(file, path)) {
        throw new DownloadError(`${what} is being fetched by another process: wait for it.`, {
          mendable: true,
        });
      }
      await part.#reread(signal);
    } catch (error) {
      await part[Symbol.asyncDispose]();
      throw error;
    }
    return part;
  }

  #begin(): void {
    const { bytes, gitSha1 } = this.#expected;
    this.done = 0;
    this.#sha256 = createHash("sha256");
    // Git counts the length in before the content.
    this.#gitSha1 = gitSha1 !== undefined && bytes !== undefined
      ? createHash("sha1").update(`blob ${bytes}\0`)
      : undefined;
  }

  /** Checksums of what came in earlier runs. */
  async #reread(signal: AbortSignal | undefined): Promise<void> {
    const buffer = new Uint8Array(4 << 20);
    for (let count; (count = await this.#file.read(buffer)) !== null;) {
      signal?.throwIfAborted();
      this.#count(buffer.subarray(0, count));
    }
  }

  #count(bytes: Uint8Array): void {
    this.#sha256.update(bytes);
    this.#gitSha1?.update(bytes);
    this.done += bytes.length;
  }

  async append(bytes: Uint8Array, what: string): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const count = await this.#file.write(bytes.subarray(done));
        this.#count(bytes.subarray(done, done + count));
        done += count;
      }
    } catch (error) {
      throw new DownloadError(
        `${what} cannot be written to ${this.#path}: ${(error as Error).message}. ` +
          "What has come so far stays: make room and run the same command again.",
        { cause: error, mendable: true },
      );
    }
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0, Deno.SeekMode.Start);
    this.#begin();
  }

  /** What is wrong with the whole, if anything. */
  check(): { readonly sha256: string; readonly problem?: string } {
    const { bytes, sha256, gitSha1 } = this.#expected;
    const got = this.#sha256.digest("hex");
    const size = bytes ?? this.bytes;
    if (size !== undefined && this.done !== size) {
      return { sha256: got, problem: `expected ${size} bytes, got ${this.done}` };
    }
    if (sha256 !== undefined && sha256 !== got) {
      return { sha256: got, problem: `expected the SHA-256 ${sha256}, got ${got}` };
    }
    const git = this.#gitSha1?.digest("hex");
    if (git !== undefined && gitSha1 !== git) {
      return { sha256: got, problem: `expected git's SHA-1 ${gitSha1}, got ${git}` };
    }
    return { sha256: got };
  }

  /** Gives the whole its name. */
  async finish(target: string): Promise<void> {
    await this.#file.syncData();
    await this[Symbol.asyncDispose]();
    await Deno.rename(this.#path, target);
  }

  /** Throws away what is wrong. */
  async discard(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await Deno.remove(this.#path);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#file.close();
    this.#open = false;
    return Promise.resolve();
  }
}
