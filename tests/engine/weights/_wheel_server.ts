/** A wheel made here, and a package index on this machine that has it, as ill-behaved as a test wants. */

import { createHash } from "node:crypto";
import { crc32, deflateRawSync } from "node:zlib";

/** Bytes that do not pack well and are the same each time. */
export function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed >>> 0 || 1;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return state >>> 24;
  });
}

/** What a wheel is made of. */
export interface WheelContent {
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Changes RECORD before it is packed. */
  readonly record?: (text: string) => string;
  /** Changes what the table of contents says of a member. */
  readonly tell?: (path: string, fields: { crc32: number; bytes: number; method: number }) => void;
  /** Members that are not deflated. */
  readonly stored?: readonly string[];
}

/** A wheel's bytes: deflated members with an extra field in their local headers alone, RECORD last. */
export function makeWheel(
  { files, record = (text) => text, tell, stored = [] }: WheelContent,
): Uint8Array<ArrayBuffer> {
  const rows = Object.entries(files).map(([path, bytes]) => {
    const sum = createHash("sha256").update(bytes).digest("base64url");
    return `${path},sha256=${sum},${bytes.length}\n`;
  });
  const own = "thing-1.0.dist-info/RECORD";
  const recordBytes = new TextEncoder().encode(record(`${rows.join("")}${own},,\n`));
  const parts: Uint8Array[] = [];
  const table: Uint8Array[] = [];
  let at = 0;
  for (const [path, bytes] of [...Object.entries(files), [own, recordBytes] as const]) {
    const name = new TextEncoder().encode(path);
    const fields = {
      crc32: crc32(bytes),
      bytes: bytes.length,
      method: stored.includes(path) ? 0 : 8,
    };
    const packed = fields.method === 8 ? new Uint8Array(deflateRawSync(bytes)) : bytes;
    tell?.(path, fields);
    const head = new DataView(new ArrayBuffer(30));
    head.setUint32(0, 0x04034b50, true);
    head.setUint16(26, name.length, true);
    head.setUint16(28, 6, true);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(10, fields.method, true);
    entry.setUint32(16, fields.crc32, true);
    entry.setUint32(20, packed.length, true);
    entry.setUint32(24, fields.bytes, true);
    entry.setUint16(28, name.length, true);
    entry.setUint32(42, at, true);
    const local = [new Uint8Array(head.buffer), name, new Uint8Array(6), packed];
    parts.push(...local);
    table.push(new Uint8Array(entry.buffer), name);
    at += local.reduce((sum, part) => sum + part.length, 0);
  }
  const tableLength = table.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, table.length / 2, true);
  end.setUint32(12, tableLength, true);
  end.setUint32(16, at, true);
  const all = [...parts, ...table, new Uint8Array(end.buffer)];
  const whole = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of all) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

/** Where a member's packed bytes begin. */
export function placeOf(wheel: Uint8Array, path: string): number {
  const text = new TextDecoder("latin1").decode(wheel);
  return text.indexOf(path) + path.length + 6;
}

/** What goes wrong with the answers for the file, from the n-th large one on or with each. */
export interface WheelFaults {
  /** Bytes after which the n-th long answer breaks off. */
  readonly drops?: readonly number[];
  /** Sends the whole file, whatever was asked. */
  readonly noRanges?: boolean;
  /** Sends no part of the file before so many requests, then the whole: a server that changes its mind. */
  readonly rangesUntil?: number;
  /** Place of a byte that is another. */
  readonly corrupt?: number;
  readonly status?: number;
  /** Bytes that are there of the file. */
  readonly truncate?: number;
  readonly contentRange?: string;
}

/** What the index says. */
export interface IndexPage {
  /** Wheels by their file names; all have the same content. */
  readonly names: readonly string[];
  readonly html?: boolean;
  /** Leaves out, or replaces, what is known of the file. */
  readonly size?: number;
  readonly sha256?: string;
  readonly yanked?: boolean;
  readonly status?: number;
  readonly body?: string;
  /** Where the index says that the files are. */
  readonly files?: string;
}

/** One request as the server saw it. */
export interface WheelSeen {
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
  sent: number;
}

/** Answers longer than this are the ones that break off. */
const LONG = 4096;

export class WheelServer implements AsyncDisposable {
  readonly seen: WheelSeen[] = [];
  faults: WheelFaults;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  #long = 0;

  constructor(readonly wheel: Uint8Array<ArrayBuffer>, page: IndexPage, faults: WheelFaults = {}) {
    this.faults = faults;
    const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    const onError = () => new Response(null, { status: 500 });
    this.#server = Deno.serve(
      { ...quiet, onError, signal: this.#closing.signal },
      (request) => this.#answer(request, page),
    );
  }

  get index(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/simple`;
  }

  /** Bytes of the wheel that were sent. */
  get sent(): number {
    return this.seen.reduce((sum, { path, sent }) => path.startsWith("/f/") ? sum + sent : sum, 0);
  }

  #answer(request: Request, page: IndexPage): Response {
    const { pathname: path } = new URL(request.url);
    const range = request.headers.get("range");
    const authorization = request.headers.get("authorization");
    const seen: WheelSeen = { path, range, authorization, sent: 0 };
    this.seen.push(seen);
    if (path === "/simple/onnxruntime-gpu/") return this.#page(page);
    if (!path.startsWith("/f/")) return new Response("no", { status: 404 });
    return this.#file(seen);
  }

  #page({ names, html, size, sha256, yanked, status = 200, body, files: at }: IndexPage): Response {
    const sum = sha256 ?? createHash("sha256").update(this.wheel).digest("hex");
    if (html) {
      const links = names.map((name) =>
        `<a href="../../f/${name}#sha256=${sum}" data-requires-python="&gt;=3.11"${
          yanked ? ' data-yanked=""' : ""
        }>${name}</a><br/>`
      );
      const text = `<!DOCTYPE html><html><body>${links.join("\n")}</body></html>`;
      return new Response(body ?? text, { status, headers: { "content-type": "text/html" } });
    }
    const files = names.map((filename) => ({
      filename,
      url: `${at ?? "/f/"}${filename}`,
      size: size ?? this.wheel.length,
      hashes: sum === "" ? {} : { sha256: sum },
      yanked: yanked ?? false,
    }));
    return new Response(body ?? JSON.stringify({ files }), {
      status,
      headers: { "content-type": "application/vnd.pypi.simple.v1+json" },
    });
  }

  #file(seen: WheelSeen): Response {
    const { noRanges, rangesUntil, corrupt, status, truncate, contentRange, drops = [] } =
      this.faults;
    if (status !== undefined) return new Response(null, { status });
    const copy = this.wheel.slice(0, truncate);
    if (corrupt !== undefined) copy[corrupt]! ^= 0x10;
    const requests = this.seen.filter(({ path }) => path === seen.path).length;
    const whole = noRanges || requests > (rangesUntil ?? Infinity);
    const asked = whole ? null : /^bytes=(\d+)-(\d*)$/.exec(seen.range ?? "");
    const from = Number(asked?.[1] ?? 0);
    const to = Math.min(copy.length, asked?.[2] ? Number(asked[2]) + 1 : copy.length);
    if (asked && from >= copy.length) return new Response(null, { status: 416 });
    const bytes = copy.slice(from, to);
    const drop = bytes.length > LONG ? drops[this.#long++] : undefined;
    const headers: Record<string, string> = asked
      ? { "content-range": contentRange ?? `bytes ${from}-${to - 1}/${copy.length}` }
      : {};
    const code = asked ? 206 : 200;
    seen.sent = Math.min(bytes.length, drop ?? bytes.length);
    if (drop === undefined) return new Response(bytes, { status: code, headers });
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(bytes.subarray(0, drop));
        // So that what was sent has left before the connection breaks.
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.error(new Error("dropped"));
      },
    });
    return new Response(stream, { status: code, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server.finished;
  }
}
