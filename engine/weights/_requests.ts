/** Requests to servers that may be slow, busy or gone. */

/** A file that could not be fetched. The message says why and what to do. */
export class DownloadError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override readonly name = "DownloadError";
  /** Whether the user can mend it here: a token, room on the disk, another name. */
  readonly mendable: boolean;

  /** Not mendable unless `options` says so. */
  constructor(message: string, options: ErrorOptions & { mendable?: boolean } = {}) {
    super(message, options);
    this.mendable = options.mendable ?? false;
  }
}

/** Something that may work a moment later. */
export class Passing extends Error {
  /** Milliseconds that the server asks to wait, if it does. */
  readonly wait: number | undefined;

  constructor(message: string, wait?: number) {
    super(message);
    this.wait = wait;
  }
}

/** How requests are made. */
export interface RequestOptions {
  readonly fetch: typeof fetch;
  /** Sent to `tokenOrigin` alone, never to where a redirect leads. */
  readonly token: string | undefined;
  readonly tokenOrigin: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Attempts in a row that bring nothing before giving up, from 1. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled with each further one. */
  readonly pause: number;
  /** Longest time that a server may ask to wait, in milliseconds. */
  readonly patience: number;
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly idle: number;
}

/** What whoever fetches files may say of how. */
export interface FetchOptions {
  /** Whether files that are there, or begun, are fetched anew. Default: false. */
  readonly restart?: boolean;
  /** Ends it; what has come stays. */
  readonly signal?: AbortSignal;
  /** Bytes that are free on the disk of a folder that may not be there yet; undefined where nobody knows. */
  readonly freeSpace?: (folder: string) => Promise<number | undefined>;
  /** For tests. */
  readonly fetch?: typeof fetch;
  /** Attempts in a row that bring nothing before giving up. Default: 6 for models, 5 for a wheel. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled with each further one. Default: 1,000. */
  readonly pause?: number;
  /** Milliseconds that a server may ask to wait. Default: 300,000. */
  readonly patience?: number;
  /** Milliseconds without a byte after which a connection counts as dead. Default: 60,000. */
  readonly idle?: number;
}

/** How servers are asked, where the options leave it open. */
export function requestOptions(
  { fetch: send = fetch, signal, attempts = 6, pause = 1000, patience = 300_000, idle = 60_000 }:
    FetchOptions,
  token?: { readonly value: string | undefined; readonly origin: string },
): RequestOptions {
  return {
    fetch: send,
    token: token?.value,
    tokenOrigin: token?.origin,
    signal,
    attempts,
    pause,
    patience,
    idle,
  };
}

const redirects = [301, 302, 303, 307, 308];
const redirectLimit = 8;

/**
 * Asks a server, following redirects. With HEAD a redirect to another host is not followed where the answer
 * says itself how large the file is: the hub describes a file there and has another host send it.
 */
export async function request(
  method: "GET" | "HEAD",
  address: string,
  headers: Readonly<Record<string, string>>,
  options: RequestOptions,
): Promise<Response> {
  let url = new URL(address);
  for (let times = 0; times <= redirectLimit; times++) {
    const response = await ask(method, url, headers, options);
    const location = response.headers.get("location");
    if (!redirects.includes(response.status) || location === null) return response;
    const next = new URL(location, url);
    const described = ["x-linked-size", "x-linked-etag"].some((name) => response.headers.has(name));
    if (method === "HEAD" && next.origin !== url.origin && described) return response;
    await response.body?.cancel();
    if (next.protocol !== url.protocol && next.protocol !== "https:") {
      throw new DownloadError(
        `${url.host} leads from ${url.protocol} to ${next.protocol}//${next.host}, which is not followed.`,
      );
    }
    url = next;
  }
  throw new DownloadError(`${url.host} leads in a circle: ${redirectLimit} redirects.`);
}

async function ask(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  { fetch, token, tokenOrigin, signal, idle }: RequestOptions,
): Promise<Response> {
  const authorized = token !== undefined && url.origin === tokenOrigin;
  // Only the headers are waited for; what comes after has a watch of its own.
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(new Passing(`${url.host} does not answer`)), idle);
  try {
    return await fetch(url, {
      method,
      redirect: "manual",
      headers: {
        ...headers,
        // Lengths and checksums are of the file as it is.
        "accept-encoding": "identity",
        "user-agent": "sluice",
        ...(authorized && { authorization: `Bearer ${token}` }),
      },
      signal: signal ? AbortSignal.any([signal, waiting.signal]) : waiting.signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Passing || error instanceof Deno.errors.NotCapable) throw error;
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new Passing(`${url.host} cannot be reached (${reason})`);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws for an answer that brings no file. @param what is fetched, in messages */
export function checkStatus(response: Response, what: string, hint: string): void {
  const { status } = response;
  if (status === 200 || status === 206 || redirects.includes(status)) return;
  const host = response.url ? new URL(response.url).host : "the server";
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const reason = status === 429 ? "asks to come back later" : "has a problem of its own";
    throw new Passing(`${host} ${reason} (status ${status})`, waitOf(response.headers));
  }
  const reasons: Record<number, string> = {
    401: `${host} asks who you are (401): make a token at ${hint} and put it into HF_TOKEN.`,
    403:
      `${host} refuses (403): accept the conditions at ${hint}, and put a token of your account ` +
      "into HF_TOKEN.",
    404: `${host} has no such file (404): look at ${hint}, whether it has moved.`,
    410: `${host} has it no more (410): look at ${hint}.`,
  };
  throw new DownloadError(
    `${what} cannot be fetched. ${reasons[status] ?? `${host} answers with status ${status}.`}`,
    { mendable: status === 401 || status === 403 },
  );
}

/** Milliseconds of a Retry-After header. */
function waitOf(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/**
 * Runs something until it works: after a `Passing` error again, a while later. Attempts that brought
 * something do not count.
 *
 * @param progress how far it has come, in any unit
 */
export async function persist<T>(
  what: string,
  attempt: () => Promise<T>,
  options: RequestOptions,
  progress: () => number = () => 0,
  onWait: (reason: string, milliseconds: number) => void = () => {},
): Promise<T> {
  let before = progress();
  for (let failures = 0;;) {
    options.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      const now = progress();
      failures = now > before ? 0 : failures + 1;
      before = now;
      if (failures >= options.attempts) {
        throw new DownloadError(
          `${what} cannot be fetched: ${error.message}, ${failures} times in a row. ` +
            "What has come so far stays: run the same command again later.",
          { cause: error },
        );
      }
      const pause = error.wait ?? options.pause * 2 ** Math.max(0, failures - 1);
      if (pause > options.patience) {
        throw new DownloadError(
          `${what} cannot be fetched now: ${error.message} and wants ${
            Math.ceil(pause / 1000)
          } seconds to pass. What has come so far stays: run the same command again then.`,
        );
      }
      onWait(error.message, pause);
      await delay(pause, options.signal);
    }
  }
}

function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
