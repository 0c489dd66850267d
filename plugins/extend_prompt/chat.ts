import { UserError } from "../../pipeline/errors.ts";

/** A question for an endpoint, and how it is asked. */
export interface ChatRequest {
  /** Of the chat completions, complete. */
  readonly url: URL;
  readonly model: string;
  readonly key: string | undefined;
  /** The variable that the key came from, for errors: the key itself is never shown. */
  readonly keyName: string | undefined;
  /** In seconds, of one attempt. */
  readonly timeout: number;
  readonly retries: number;
  readonly body: unknown;
}

/** Longest time that a server's Retry-After is obeyed, in seconds. */
const maxWait = 60;
/** Longest body that is read, in bytes: an answer has a few thousand. */
const maxBody = 1 << 20;

const wayOut = "or --set extend-prompt.provider=none";

/** One that may go away by itself. */
class Passing extends Error {
  constructor(
    readonly problem: Error,
    /** How long to wait, in seconds, as the server asks. */
    readonly asked: number | undefined,
  ) {
    super(problem.message);
  }
}

/** Waits so many seconds; rejects with the signal's reason once that is aborted. */
export type Pause = (seconds: number, signal: AbortSignal) => Promise<void>;

/**
 * Asks once for a completion, again where the endpoint cannot be reached, is busy (429) or fails
 * (5xx): after half a second, doubled each time up to 8, with jitter, or as long as Retry-After says.
 *
 * @param wait how to wait before it is asked again
 * @throws {UserError} if the user can mend it, {Error} if not; the signal's reason if it is aborted
 */
export async function requestChat(
  request: ChatRequest,
  signal: AbortSignal,
  wait: Pause = pause,
): Promise<string> {
  for (let attempt = 0;; attempt++) {
    signal.throwIfAborted();
    try {
      return await attemptChat(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Passing)) throw error;
      const { problem, asked } = error;
      if (attempt >= request.retries || (asked ?? 0) > maxWait) throw problem;
      // Between half and all of it, so that many clients do not come back at once.
      const backoff = Math.min(8, 0.5 * 2 ** attempt) * (0.5 + Math.random() / 2);
      await wait(asked ?? backoff, signal);
    }
  }
}

async function attemptChat(request: ChatRequest, signal: AbortSignal): Promise<string> {
  const { url, key, body, timeout } = request;
  const timer = new AbortController();
  const clock = setTimeout(() => timer.abort(), timeout * 1000);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, timer.signal]),
    });
    const text = await readBody(response, url);
    if (!response.ok) throw refusal(request, response, text);
    return contentOf(text, request);
  } catch (error) {
    signal.throwIfAborted();
    if (timer.signal.aborted) {
      throw new UserError(
        `${url.href} gave no answer within ${timeout} s. Raise timeout, choose a smaller model, ${wayOut}.`,
        { cause: error },
      );
    }
    throw networkProblem(error, url);
  } finally {
    clearTimeout(clock);
  }
}

async function readBody(response: Response, url: URL): Promise<string> {
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for await (const bytes of response.body ?? []) {
    size += bytes.length;
    if (size > maxBody) {
      throw new UserError(
        `${url.href} answers with more than ${maxBody} bytes: expected a chat completion. Check endpoint, ${wayOut}.`,
      );
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}

/** What a status other than 2xx means. */
function refusal(request: ChatRequest, response: Response, text: string): Error {
  const { url, model, keyName } = request;
  const { status } = response;
  const said = messageOf(text);
  const quote = said === undefined ? "" : ` (${JSON.stringify(said)})`;
  if (status === 401 || status === 403) {
    const mend = keyName === undefined
      ? "Set api-key-env to the name of the variable that holds a key"
      : `Check the key in ${keyName}`;
    return new UserError(
      `${url.href} refuses access, status ${status}${quote}. ${mend}, ${wayOut}.`,
    );
  }
  if (status === 404) {
    return new UserError(
      `${url.href} does not know the model ${model}, or is no chat endpoint, status 404${quote}. Check model and endpoint (its base URL usually ends in /v1), ${wayOut}.`,
    );
  }
  if (status === 429) {
    const problem = new UserError(
      `${url.href} takes no more requests for now, status 429${quote}. Wait a little, raise retries, ${wayOut}.`,
    );
    return new Passing(problem, retryAfter(response));
  }
  if (status >= 500) {
    const problem = new Error(
      `${url.href} failed with status ${status}${quote}. See the server's own log, ${wayOut}.`,
    );
    return new Passing(problem, retryAfter(response));
  }
  return new UserError(
    `${url.href} refuses the request, status ${status}${quote}. Check model, max-tokens and endpoint, ${wayOut}.`,
  );
}

/** In seconds: the header holds a number of them, or a date. */
function retryAfter(response: Response): number | undefined {
  const header = response.headers.get("retry-after")?.trim();
  if (!header) return undefined;
  const seconds = /^\d+(?:\.\d+)?$/.test(header)
    ? Number(header)
    : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** A server's own words about its refusal, short. */
function messageOf(text: string): string | undefined {
  try {
    const { error, message } = JSON.parse(text);
    const said = typeof error === "string" ? error : error?.message ?? message;
    return typeof said === "string" ? said.slice(0, 200) : undefined;
  } catch {
    const line = text.trim();
    return line === "" || line.startsWith("<") ? undefined : line.slice(0, 200);
  }
}

function contentOf(text: string, { url }: ChatRequest): string {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    const kind = /^\s*</.test(text) ? "a web page" : "no valid JSON";
    throw new UserError(
      `${url.href} answers with ${kind}: expected a chat completion. Check endpoint (its base URL usually ends in /v1), ${wayOut}.`,
      { cause: error },
    );
  }
  const { choices } = (answer ?? {}) as { choices?: { message?: { content?: unknown } }[] };
  const message = Array.isArray(choices) ? choices[0]?.message : undefined;
  const content = message?.content;
  if (typeof content === "string") return content;
  if (Array.isArray(content)) {
    return content.map((part) => typeof part?.text === "string" ? part.text : "").join("");
  }
  // A model that only reasoned or refused has a message without content.
  if (message !== undefined && message !== null && (content ?? null) === null) return "";
  throw new UserError(
    `${url.href} answers with JSON that is no chat completion: expected choices[0].message.content. Check endpoint, ${wayOut}.`,
  );
}

function networkProblem(error: unknown, url: URL): unknown {
  if (error instanceof UserError || error instanceof Passing) return error;
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    return new UserError(
      `${url.href} may not be reached: network access is not allowed. Run with --allow-net=${url.host}, ${wayOut}.`,
      { cause: error },
    );
  }
  if (!(error instanceof Error)) return error;
  // Refused, reset, unknown host, broken off in the middle: fetch and the body stream differ in class.
  const problem = new UserError(
    `${url.href} cannot be reached (${
      reasonOf(error)
    }). Start the server, check endpoint, ${wayOut}.`,
    { cause: error },
  );
  return new Passing(problem, undefined);
}

/** The innermost reason that is said: fetch wraps it several times. */
function reasonOf(error: Error): string {
  const message = error.cause instanceof Error ? reasonOf(error.cause) : error.message;
  return message.split(": ").at(-1)!.slice(0, 200);
}

/** As a `Pause`, by the clock. */
export function pause(seconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", abort, { once: true });
  });
}
