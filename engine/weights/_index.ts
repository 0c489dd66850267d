/** The wheels of a Python project on a package index: the simple API, as JSON (PEP 691) or HTML (PEP 503). */

import { readBody } from "./_body.ts";
import { DownloadError, Passing, persist, request, type RequestOptions } from "./_requests.ts";

/** A file that an index lists. */
export interface IndexFile {
  /** Its file name, such as `project-1.0-py3-none-any.whl`. */
  readonly name: string;
  /** Where it is fetched from. */
  readonly address: string;
  /** Undefined where the index does not say, as in HTML. */
  readonly bytes: number | undefined;
  /** In hexadecimal. */
  readonly sha256: string | undefined;
  /** Whether its publisher took it back. */
  readonly yanked: boolean;
}

/** What a wheel must be. */
export interface WheelNeed {
  /** Name on the index. */
  readonly project: string;
  /** The very version. */
  readonly version: string;
  /** Platform tags that will do, such as `manylinux_2_28_x86_64`. */
  readonly platform: RegExp;
  /** The platform in words. */
  readonly platformName: string;
}

/** Longest page of an index that is read, in bytes. */
const pageLimit = 32 << 20;

/** An index's address without the name and password that it may hold, and `fetch` that shows them to its host. */
export function openIndex(
  index: string,
  inner: typeof fetch,
): { readonly address: string; readonly fetch: typeof fetch } {
  let url: URL;
  let account: string;
  try {
    url = new URL(index);
    if (!/^https?:$/.test(url.protocol)) throw new TypeError(url.protocol);
    account = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch (cause) {
    throw new DownloadError(
      "cannot use the package index: expected an address such as https://pypi.org/simple, " +
        `got ${index.replace(/\/\/.*@/, "//")}`,
      { cause, mendable: true },
    );
  }
  const { username, origin } = url;
  url.username = url.password = "";
  const address = url.href.replace(/\/+$/, "");
  if (username === "") return { address, fetch: inner };
  const bytes = new TextEncoder().encode(account);
  const authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  return {
    address,
    fetch: (input, init) => {
      const own = new URL(input instanceof Request ? input.url : input).origin === origin;
      const headers = new Headers(init?.headers);
      if (own) headers.set("authorization", authorization);
      return inner(input, { ...init, headers });
    },
  };
}

/** Throws for an answer that brings nothing; a `Passing` error where it may bring something later. */
export function refuse(what: string, { status, url }: Response, hint = ""): never {
  const host = url ? new URL(url).host : "the server";
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    throw new Passing(`${host} has a problem (status ${status})`);
  }
  const reason = {
    401: `${host} asks for a name and a password (401): --index https://name:password@${host}/…`,
    403: `${host} refuses (403)`,
    404: `${host} has no such page (404)`,
  }[status] ?? `${host} answers with status ${status}`;
  throw new DownloadError(`${what} cannot be fetched: ${reason}.${hint}`, { mendable: true });
}

/** The files of a project, as an index lists them. Rejects with a `DownloadError`. */
export async function readIndex(
  index: string,
  project: string,
  options: RequestOptions,
  onWait?: (reason: string, milliseconds: number) => void,
): Promise<IndexFile[]> {
  const address = `${index}/${project.toLowerCase().replace(/[-_.]+/g, "-")}/`;
  const what = `The list of ${project}`;
  const accept =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, " +
    "text/html;q=0.1";
  return await persist(
    what,
    async () => {
      const response = await request("GET", address, { accept }, options);
      if (response.status !== 200) {
        await response.body?.cancel();
        const hint =
          ` Expected the address of a simple index, such as https://pypi.org/simple, got ${index}.`;
        refuse(what, response, hint);
      }
      const bytes = await readBody(response, what, pageLimit, options);
      const text = new TextDecoder().decode(bytes);
      const type = response.headers.get("content-type") ?? "";
      const page = response.url || address;
      return /json/.test(type) ? ofJson(text, page) : ofHtml(text, page);
    },
    options,
    undefined,
    onWait,
  );
}

function ofJson(text: string, page: string): IndexFile[] {
  try {
    const { files } = JSON.parse(text) as {
      files: {
        filename: string;
        url: string;
        size?: number;
        hashes?: Record<string, string>;
        yanked?: boolean | string;
      }[];
    };
    return files.map(({ filename, url, size, hashes, yanked }) => ({
      name: String(filename),
      address: new URL(url, page).href,
      bytes: Number.isSafeInteger(size) ? size : undefined,
      sha256: sum(hashes?.["sha256"]),
      yanked: yanked !== undefined && yanked !== false,
    }));
  } catch (cause) {
    throw new DownloadError(
      `${page} cannot be read as a package index: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

function ofHtml(text: string, page: string): IndexFile[] {
  const files = [...text.matchAll(/<a\s([^>]*)>([^<]*)<\/a>/gi)].flatMap(([, attributes, name]) => {
    const link = /\bhref\s*=\s*["']([^"']*)["']/i.exec(attributes!)?.[1];
    if (link === undefined) return [];
    const url = URL.parse(unescape(link), page);
    if (url === null) return [];
    const sha256 = sum(/(?:^#|&)sha256=([0-9a-f]+)/i.exec(url.hash)?.[1]);
    url.hash = "";
    const yanked = /\bdata-yanked\b/i.test(attributes!);
    return [{
      name: unescape(name!).trim(),
      address: url.href,
      bytes: undefined,
      sha256,
      yanked,
    }];
  });
  if (files.length > 0 || /<html|<!doctype html/i.test(text)) return files;
  throw new DownloadError(
    `${page} cannot be read as a package index: it is neither JSON nor HTML.`,
  );
}

function unescape(text: string): string {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => names[name]!);
}

function sum(text: unknown): string | undefined {
  return typeof text === "string" && /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined;
}

/**
 * The wheel to take. Of several that will do, which differ by the Python they are for, it is always the first by
 * name. Throws a `DownloadError` that says what there is instead.
 */
export function chooseWheel(files: readonly IndexFile[], need: WheelNeed): IndexFile {
  const { project, version, platform, platformName } = need;
  const name = project.toLowerCase().replace(/[-_.]+/g, "_");
  const wheels = files.flatMap((file) => {
    const parts = file.name.replace(/\.whl$/, "").split("-");
    // A name alone, since the file is put on the disk under it.
    const wheel = /^[\w.+!-]+\.whl$/.test(file.name) &&
      (parts.length === 5 || parts.length === 6) &&
      parts[0]!.toLowerCase().replace(/[-_.]+/g, "_") === name;
    return wheel ? [{ file, version: parts[1]!, platforms: parts.at(-1)!.split(".") }] : [];
  });
  const ofVersion = wheels.filter((wheel) => wheel.version === version);
  const fitting = ofVersion.filter(({ platforms }) => platforms.some((tag) => platform.test(tag)));
  const chosen = fitting.filter(({ file }) => !file.yanked)
    .sort((a, b) => a.file.name < b.file.name ? -1 : 1)[0];
  if (chosen !== undefined) return chosen.file;
  const problem = fitting.length > 0
    ? `${version} was taken back by its publisher`
    : ofVersion.length > 0
    ? `it has ${version} for ${
      [...new Set(ofVersion.flatMap(({ platforms }) => platforms))].sort().join(", ")
    } only, and not for ${platformName}`
    : wheels.length > 0
    ? `expected the very version ${version}, got ${
      [...new Set(wheels.map((wheel) => wheel.version))].slice(-5).join(", ")
    }`
    : "it has no wheels of it";
  throw new DownloadError(
    `There is no wheel of ${project} to take on the index: ${problem}. Name another index: --index.`,
    { mendable: true },
  );
}
