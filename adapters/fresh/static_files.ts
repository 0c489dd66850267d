import { join } from "@std/path";
import type { BuiltFile, Inner, Snapshot } from "./snapshot.ts";
import type { Middleware } from "./types.ts";

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=UTF-8",
  html: "text/html; charset=UTF-8",
  ico: "image/vnd.microsoft.icon",
  jpg: "image/jpeg",
  js: "text/javascript; charset=UTF-8",
  json: "application/json; charset=UTF-8",
  mp4: "video/mp4",
  png: "image/png",
  svg: "image/svg+xml; charset=UTF-8",
  txt: "text/plain; charset=UTF-8",
  webp: "image/webp",
  woff2: "font/woff2",
};

/**
 * Serves the built islands and the files of `static/`. It knows no ranges: a video needs a handler of
 * its own.
 */
export function staticFiles<State>(): Middleware<State> {
  return async (ctx) => {
    const { snapshot } = ctx as Inner<State>;
    const { method } = ctx.req;
    const path = decodePath(ctx.url.pathname);
    if (snapshot === undefined || path === undefined) return await ctx.next();
    const built = snapshot.files.get(path);
    const file = built ?? await readStatic(snapshot, path);
    if (file === undefined) return await ctx.next();
    if (method !== "GET" && method !== "HEAD") {
      return new Response("Method Not Allowed", { status: 405 });
    }
    const { body, etag } = file;
    const headers = new Headers({
      "content-type": TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream",
      // The address of a built file changes with its content.
      "cache-control": built ? "public, max-age=31536000, immutable" : "no-cache",
      etag,
    });
    if (ctx.req.headers.get("if-none-match") === etag) {
      return new Response(null, { status: 304, headers });
    }
    return new Response(body, { headers });
  };
}

/** A path that names something below the folder, or nothing. */
function decodePath(pathname: string): string | undefined {
  try {
    const path = decodeURIComponent(pathname);
    const hidden = path.split(/[/\\]/).some((part) => part.startsWith("."));
    return hidden || path.endsWith("/") || path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}

async function readStatic<State>(
  snapshot: Snapshot<State>,
  path: string,
): Promise<BuiltFile | undefined> {
  // Read each time: a file may change while the app runs.
  try {
    const body = await Deno.readFile(join(snapshot.staticDir, path));
    return { body, etag: await etagOf(body) };
  } catch {
    return undefined;
  }
}

/** A weak tag: the body may be sent compressed. */
export async function etagOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return `W/"${digest.toHex().slice(0, 32)}"`;
}
