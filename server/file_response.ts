/** A file that never changes, by RFC 9110: ranges, conditions, HEAD. */

/** What to send. */
export interface FileToSend {
  readonly path: string;
  /** MIME type. */
  readonly type: string;
  /** Strong, without quotes: the file under it never changes. */
  readonly tag: string;
  /** When it was made. */
  readonly modified: Date;
  /** Name to save it under; absent: shown in place. */
  readonly saveAs?: string;
}

/** Bytes that are read at a time. */
const BLOCK = 64 * 1024;

/** The answer to a GET or HEAD for a file: 200, 206, 304, 412 or 416. */
export async function fileResponse(request: Request, file: FileToSend): Promise<Response> {
  const etag = `"${file.tag}"`;
  const { size } = await Deno.stat(file.path);
  const headers = new Headers({
    "content-type": file.type,
    "accept-ranges": "bytes",
    "etag": etag,
    "last-modified": file.modified.toUTCString(),
    // Deleting must work, so a browser asks each time; it asks with the tag.
    "cache-control": "private, no-cache, no-transform",
  });
  if (file.saveAs !== undefined) {
    headers.set("content-disposition", `attachment; filename="${file.saveAs}"`);
  }
  const condition = conditionStatus(request.headers, etag, file.modified);
  if (condition !== undefined) return new Response(null, { status: condition, headers });

  const range = rangeApplies(request.headers, etag, file.modified)
    ? parseRange(request.headers.get("range"), size)
    : undefined;
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${size}`);
    headers.delete("content-type");
    return new Response(null, { status: 416, headers });
  }
  const [first, last] = range ?? [0, size - 1];
  if (range !== undefined) headers.set("content-range", `bytes ${first}-${last}/${size}`);
  headers.set("content-length", String(last - first + 1));
  const status = range === undefined ? 200 : 206;
  const body = request.method === "HEAD"
    ? null
    : await readPart(file.path, first, last - first + 1);
  return new Response(body, { status, headers });
}

/** A status that answers at once, RFC 9110 13.2.2. */
function conditionStatus(headers: Headers, etag: string, modified: Date): 304 | 412 | undefined {
  const match = headers.get("if-match");
  if (match !== null && !listsTag(match, etag, false)) return 412;
  const none = headers.get("if-none-match");
  if (none !== null) return listsTag(none, etag, true) ? 304 : undefined;
  const since = Date.parse(headers.get("if-modified-since") ?? "");
  return seconds(modified.getTime()) <= seconds(since) ? 304 : undefined;
}

/** Whether a list of tags has this one; `weak` comparison looks past `W/`. */
function listsTag(list: string, etag: string, weak: boolean): boolean {
  return list.split(",").map((each) => each.trim()).some((each) =>
    each === "*" || each === etag || (weak && each === `W/${etag}`)
  );
}

/** Whether the client has the file that the range is of. */
function rangeApplies(headers: Headers, etag: string, modified: Date): boolean {
  const condition = headers.get("if-range");
  if (condition === null || condition === etag) return true;
  return seconds(Date.parse(condition)) === seconds(modified.getTime());
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/**
 * First and last byte of a range header; undefined where the whole is to be sent, as for several ranges
 * and for what is no range at all.
 */
export function parseRange(
  header: string | null,
  size: number,
): readonly [first: number, last: number] | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = header?.match(/^bytes=(\d{0,15})-(\d{0,15})$/i) ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") {
    return to === "" || Number(to) === 0 || size === 0
      ? "unsatisfiable"
      : [Math.max(0, size - Number(to)), size - 1];
  }
  if (to !== "" && Number(to) < Number(from)) return undefined;
  if (Number(from) >= size) return "unsatisfiable";
  return [Number(from), to === "" ? size - 1 : Math.min(Number(to), size - 1)];
}

/** Bytes of a file as they are asked for. */
async function readPart(
  path: string,
  first: number,
  length: number,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const file = await Deno.open(path);
  let left = length;
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  try {
    await file.seek(first, Deno.SeekMode.Start);
  } catch (error) {
    close();
    throw error;
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const block = new Uint8Array(Math.min(BLOCK, left));
      const count = left === 0 ? null : await file.read(block);
      if (!open) return;
      if (count === null) {
        close();
        return left === 0
          ? controller.close()
          : controller.error(new Error("The file became shorter while it was sent."));
      }
      left -= count;
      controller.enqueue(block.subarray(0, count));
      if (left > 0) return;
      close();
      controller.close();
    },
    cancel: close,
  }, { highWaterMark: 0 });
}
