/** A hub and the host it sends files from, on this machine, as ill-behaved as a test wants. */

import { createHash } from "node:crypto";
import type { ModelFile, PublishedModel } from "../../../engine/weights/mod.ts";

/** What goes wrong with one answer. Of a file's answers the n-th takes the n-th fault; then all is well. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes after which the connection breaks. */
  readonly drop?: number;
  /** Bytes after which the answer ends, as if that were all. */
  readonly short?: number;
  /** Bytes after which nothing comes any more. */
  readonly stall?: number;
  /** Place of a byte that is another, counted from the beginning of the file. */
  readonly corrupt?: number;
  /** Bytes too many. */
  readonly surplus?: number;
  /** Sends the file from the beginning, whatever was asked. */
  readonly ignoreRange?: boolean;
  /** Sends what begins so many bytes after what was asked, and says so. */
  readonly shift?: number;
  /** Leaves out or replaces what the range says. */
  readonly contentRange?: string | null;
  /** Says nothing of the length. */
  readonly mute?: boolean;
  /** A body of another kind altogether. */
  readonly body?: string;
  /** Where to go instead. */
  readonly location?: string;
  /** Says nothing at all. */
  readonly silent?: boolean;
}

/** A file that the hub has. */
export interface HubFile {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Whether it is large in the hub's eyes: another host sends it, and its SHA-256 is known. */
  readonly lfs: boolean;
  /** Faults of answers to GET, and to HEAD. */
  readonly gets?: readonly Fault[];
  readonly heads?: readonly Fault[];
  /** Replaces headers of the description. */
  readonly described?: Readonly<Record<string, string | null>>;
}

/** One GET as the server saw it. */
export interface Seen {
  readonly path: string;
  readonly start: number;
  readonly authorization: string | null;
  readonly host: "hub" | "store";
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that look like nothing, the same each time. */
export function content(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state >> 16;
  });
}

/** A hub on which every repository has the same files. */
export class HubServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly heads: string[] = [];
  /** Told of each request for a file's bytes, before it is answered. */
  onGet?: (start: number) => void;
  /** Bytes sent of each file. */
  readonly sent = new Map<string, number>();
  readonly #files: ReadonlyMap<string, HubFile>;
  readonly #hub: Deno.HttpServer<Deno.NetAddr>;
  readonly #store: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  /** Whether the hub wants a token. */
  readonly token: string | undefined;

  constructor(files: Readonly<Record<string, HubFile>>, token?: string) {
    this.#files = new Map(Object.entries(files));
    this.token = token;
    const { signal } = this.#closing;
    const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError, signal };
    this.#hub = Deno.serve(quiet, (request) => this.#answer(request, "hub"));
    this.#store = Deno.serve(quiet, (request) => this.#answer(request, "store"));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#hub.addr.port}`;
  }

  get store(): string {
    return `http://127.0.0.1:${this.#store.addr.port}`;
  }

  /** The model as a registry would have it. */
  model(files: readonly ModelFile[]): PublishedModel {
    return {
      name: "model",
      summary: "A model for tests",
      repository: "owner/model",
      folder: "Model",
      licence: "MIT",
      page: "https://example.org/owner/model",
      files,
    };
  }

  #answer(request: Request, host: "hub" | "store"): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    const path = decodeURIComponent(
      pathname.replace(/^\/([^/]+\/[^/]+\/resolve\/[^/]+|lfs)\//, ""),
    );
    const file = this.#files.get(path);
    if (!file) return new Response("no such file", { status: 404 });
    const authorization = request.headers.get("authorization");
    if (host === "hub" && this.token !== undefined && authorization !== `Bearer ${this.token}`) {
      return new Response(null, { status: authorization === null ? 401 : 403 });
    }
    if (request.method === "HEAD") {
      const fault = file.heads?.[this.heads.filter((each) => each === path).length] ?? {};
      this.heads.push(path);
      if (fault.silent) return new Promise(() => {});
      return this.#describe(path, file, fault);
    }
    const redirected = host === "hub" && file.lfs;
    if (redirected) {
      return new Response(null, {
        status: 302,
        headers: { location: `${this.store}/lfs/${path}` },
      });
    }
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    const fault = file.gets?.[this.seen.filter((each) => each.path === path).length] ?? {};
    this.seen.push({ path, start, authorization, host });
    this.onGet?.(start);
    if (fault.silent) return new Promise(() => {});
    return this.#send(path, file, start, request.headers.has("range"), fault);
  }

  #describe(path: string, { content, lfs, described = {} }: HubFile, fault: Fault): Response {
    if (fault.status !== undefined) {
      return new Response(null, { status: fault.status, headers: fault.headers ?? {} });
    }
    if (fault.location !== undefined) {
      return new Response(null, { status: 307, headers: { location: fault.location } });
    }
    const headers = new Headers({ "x-repo-commit": COMMIT });
    if (lfs) {
      headers.set("x-linked-size", `${content.length}`);
      headers.set("x-linked-etag", `"${sha256Of(content)}"`);
      headers.set("location", `${this.store}/lfs/${path}`);
    } else {
      const sha1 = createHash("sha1").update(`blob ${content.length}\0`).update(content);
      headers.set("etag", `"${sha1.digest("hex")}"`);
      headers.set("content-length", `${content.length}`);
    }
    for (const [name, value] of Object.entries(described)) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
    return new Response(null, { status: lfs ? 302 : 200, headers });
  }

  #send(
    path: string,
    { content: whole }: HubFile,
    asked: number,
    ranged: boolean,
    fault: Fault,
  ): Response {
    if (fault.body !== undefined) {
      return new Response(fault.body, { headers: { "content-type": "text/html" } });
    }
    if (fault.status !== undefined && fault.status !== 200 && fault.status !== 206) {
      return new Response(null, { status: fault.status, headers: fault.headers ?? {} });
    }
    if (asked >= whole.length && ranged && !fault.ignoreRange) {
      const headers = { "content-range": `bytes */${whole.length}` };
      return new Response(null, { status: 416, headers });
    }
    const start = fault.ignoreRange ? 0 : asked + (fault.shift ?? 0);
    const copy = whole.slice();
    if (fault.corrupt !== undefined) copy[fault.corrupt]! ^= 1;
    const rest = [...copy.subarray(start), ...new Uint8Array(fault.surplus ?? 0)];
    const all = Uint8Array.from(rest);
    const partial = ranged && !fault.ignoreRange;
    const headers = new Headers(fault.headers ?? {});
    if (partial && fault.contentRange !== null) {
      const range = `bytes ${start}-${whole.length - 1}/${whole.length}`;
      headers.set("content-range", fault.contentRange ?? range);
    }
    const length = fault.drop ?? fault.short ?? fault.stall ?? all.length;
    const bytes = all.subarray(0, length);
    this.sent.set(path, (this.sent.get(path) ?? 0) + bytes.length);
    const broken = fault.drop !== undefined || fault.stall !== undefined;
    const status = partial ? 206 : 200;
    if (!fault.mute && !broken && fault.surplus === undefined && fault.short === undefined) {
      return new Response(bytes, { status, headers });
    }
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes);
        // So that what was sent has left before the connection breaks.
        if (broken) await new Promise((resolve) => setTimeout(resolve, 10));
        if (fault.drop !== undefined) controller.error(new Error("dropped"));
        else if (fault.stall === undefined) controller.close();
      },
    });
    return new Response(stream, { status, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#hub.finished, this.#store.finished]);
  }
}

function onError(): Response {
  return new Response(null, { status: 500 });
}
