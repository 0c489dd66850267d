/** Short answers of a server, read whole, and parts of its files. */

import { DownloadError, Passing, request, type RequestOptions } from "./_requests.ts";

/**
 * The body of an answer. Throws a `Passing` error where it ends early or stops coming.
 *
 * @param limit most bytes that are read
 */
export async function readBody(
  response: Response,
  what: string,
  limit: number,
  { signal, idle }: RequestOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => void reader?.cancel().catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (; reader !== undefined;) {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Passing("nothing comes any more")), idle);
      });
      const read = reader.read().catch((error) => {
        throw new Passing(`the connection broke (${(error as Error).message})`);
      });
      const { value, done } = await Promise.race([read, late]).finally(() => clearTimeout(timer));
      signal?.throwIfAborted();
      if (done) break;
      size += value.length;
      if (size > limit) {
        throw new DownloadError(
          `${what} cannot be read: expected at most ${limit} bytes, and the server sends more.`,
        );
      }
      parts.push(value);
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    await reader?.cancel().catch(() => {});
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Some bytes of a file, and how many the server says it has in all. */
export interface RangeAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly total: number | undefined;
}

/**
 * Bytes `from` to `from + length` of a file on a server. Undefined where the server does not give parts of
 * files. Throws a `Passing` error where they did not come whole.
 *
 * @param refuse throws for an answer that brings nothing
 */
export async function readRange(
  address: string,
  from: number,
  length: number,
  what: string,
  options: RequestOptions,
  refuse: (response: Response) => void,
): Promise<RangeAnswer | undefined> {
  const range = `bytes=${from}-${from + length - 1}`;
  const response = await request("GET", address, { range }, options);
  if (response.status !== 206) {
    await response.body?.cancel();
    if (response.status === 200) return undefined;
    if (response.status === 416) {
      throw new DownloadError(
        `${what} cannot be fetched: the server has no bytes ${from} to ${from + length} of it, ` +
          "though its index says so.",
      );
    }
    refuse(response);
  }
  const got = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const encoding = response.headers.get("content-encoding") ?? "identity";
  if (got === null || Number(got[1]) !== from || encoding !== "identity") {
    await response.body?.cancel();
    throw new DownloadError(
      `${what} cannot be fetched in parts: asked for ${range}, the server sends ${
        response.headers.get("content-range") ?? "some that it does not number"
      }. To fetch it whole: --whole.`,
      { mendable: true },
    );
  }
  const bytes = await readBody(response, what, length, options);
  if (bytes.length < length) {
    throw new Passing(`the connection ended after ${bytes.length} of ${length} bytes`);
  }
  return { bytes, total: got[2] === "*" ? undefined : Number(got[2]) };
}

/**
 * `fetch` for a part of a file as if that were all of it: ranges that are asked for and told count from the
 * part's first byte, so that a part is resumed like a whole file.
 */
export function fetchWithin(
  inner: typeof fetch,
  offset: number,
  length: number,
): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.get("range") ?? "")?.[1] ?? 0);
    headers.set("range", `bytes=${offset + from}-${offset + length - 1}`);
    const response = await inner(input, { ...init, headers });
    if (response.status !== 206) return response;
    const told = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/.exec(
      response.headers.get("content-range") ?? "",
    );
    const answer = new Headers(response.headers);
    if (told === null || Number(told[1]) < offset) answer.delete("content-range");
    else {
      const [first, last] = [Number(told[1]) - offset, Number(told[2]) - offset];
      answer.set("content-range", `bytes ${first}-${last}/${length}`);
    }
    return new Response(response.body, { status: 206, headers: answer });
  };
}
