/** The body of a request into a file, without ever holding all of it. */
import { ProblemError } from "./problem.ts";

/** Bytes of a picture or clip at most. */
export const LARGEST_UPLOAD = 64 * 2 ** 20;

/** Milliseconds that sending it may take. */
const LONGEST = 15 * 60_000;

/**
 * Writes a body into a new file; gives its bytes.
 *
 * @param signal ends it; then this rejects with its reason
 * @throws {ProblemError} 400, 413 or 422; the file may be there then.
 */
export async function writeBody(
  request: Request,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  if (Number(request.headers.get("content-length") ?? 0) > LARGEST_UPLOAD) throw tooLarge();
  using file = await Deno.open(path, { write: true, createNew: true });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST)]);
  const reader = request.body?.getReader();
  const abort = () => reader?.cancel(limit.reason).catch(() => {});
  limit.addEventListener("abort", abort, { once: true });
  let size = 0;
  try {
    for (;;) {
      const { done = true, value } = await read(reader);
      signal.throwIfAborted();
      if (limit.aborted) throw cutOff("It took too long.");
      if (done || value === undefined) break;
      size += value.length;
      // What was declared may be a lie, and a chunked body declares nothing.
      if (size > LARGEST_UPLOAD) throw tooLarge();
      for (let at = 0; at < value.length;) at += await file.write(value.subarray(at));
    }
  } catch (error) {
    await reader?.cancel(error).catch(() => {});
    throw error;
  } finally {
    limit.removeEventListener("abort", abort);
  }
  if (size === 0) throw new ProblemError("validation", "The file is empty.");
  return size;
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<{ readonly done?: boolean; readonly value?: Uint8Array | undefined }> {
  try {
    return await reader?.read() ?? {};
  } catch (cause) {
    throw cutOff("The client went away.", cause);
  }
}

function cutOff(why: string, cause?: unknown): ProblemError {
  return new ProblemError("bad-request", `The file did not arrive whole. ${why}`, { cause });
}

function tooLarge(): ProblemError {
  const megabytes = LARGEST_UPLOAD / 2 ** 20;
  return new ProblemError(
    "too-large",
    `Expected a file of at most ${megabytes} MiB. Cut or shrink it.`,
  );
}
