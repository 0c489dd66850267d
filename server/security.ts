/** Who may talk to the studio: a page of its own, or a program of this machine; with a token, others. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Middleware } from "fresh";
import { isLoopback } from "./address.ts";
import { ProblemError, problemResponse } from "./problem.ts";
import type { State } from "./state.ts";

/** Name of the cookie that holds the token. */
const COOKIE = "sluice_token";

/** Where Fresh leaves the nonce of a page's script, on the Response. */
const NONCE = Symbol.for("__freshNonce");

/** What a check needs of a studio's options. */
export interface Access {
  /** Where the server listens. */
  readonly host?: string;
  readonly token?: string;
}

/** Checks who asks, answers errors of the API as problems, and puts headers on every answer. */
export const secure: Middleware<State> = async (ctx) => {
  const { req, url } = ctx;
  const api = isApi(url.pathname);
  const access = ctx.state.studio.options;
  try {
    checkHost(req, url, access);
    checkSite(req, url, api);
    const entry = checkToken(req, url, access);
    if (entry !== undefined) return withHeaders(entry, api);
  } catch (error) {
    // Refused before anything else happens, in plain words for pages too.
    return withHeaders(problemResponse(error, url.pathname), true);
  }
  if (!api) return withHeaders(await ctx.next(), false);
  try {
    return withHeaders(await ctx.next(), true);
  } catch (error) {
    const response = problemResponse(error, url.pathname);
    if (response.status === 500) access.warn?.(`${req.method} ${url.pathname}: ${stackOf(error)}`);
    return withHeaders(response, true);
  }
};

/** Whether programs, not people, read what is at an address. */
export function isApi(path: string): boolean {
  return /^\/(api|v1)(\/|$)/.test(path);
}

/**
 * Refuses a request that was meant for another name: a page elsewhere whose name was made to lead here
 * (DNS rebinding) still sends its own.
 */
export function checkHost(request: Request, url: URL, { host, token }: Access): void {
  const sent = request.headers.get("host") ?? url.host;
  const name = nameOf(sent);
  const own = host !== undefined && name === nameOf(host.includes(":") ? `[${host}]` : host);
  // One that listens on every address is called by any of them; names could be anybody's.
  const any = host === "0.0.0.0" || host === "::" || host === "[::]";
  const address = /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || name.startsWith("[");
  const ok = isLoopback(name) || name.endsWith(".localhost") || own ||
    (any && address && token !== undefined);
  if (!ok) {
    throw new ProblemError(
      "forbidden",
      "The request names another host: call the studio by the address that it printed.",
    );
  }
}

/** The name in `name:port`, in small letters. */
function nameOf(host: string): string {
  return host.replace(/^\[\[|\]\]$/g, (bracket) => bracket.slice(1)).replace(/:\d*$/, "")
    .toLowerCase();
}

/** Refuses what a page from elsewhere sends; its links may lead to pages here. */
export function checkSite(request: Request, url: URL, api: boolean): void {
  const refused = () => {
    throw new ProblemError("forbidden", "The request comes from a page of another origin.");
  };
  const { headers, method } = request;
  const reads = method === "GET" || method === "HEAD";
  const origin = headers.get("origin");
  const host = headers.get("host") ?? url.host;
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) refused();
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return;
  const follows = headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  if (!(reads && follows && !api)) refused();
}

/**
 * Refuses who has no token, where one is needed. Who brings it in the address gets a cookie, and an
 * address without it: it should not stay in histories.
 */
export function checkToken(request: Request, url: URL, { token }: Access): Response | undefined {
  if (token === undefined) return undefined;
  const reads = request.method === "GET" || request.method === "HEAD";
  const brought = url.searchParams.get("token");
  if (brought !== null && same(brought, token)) {
    if (!reads || isApi(url.pathname)) return undefined;
    const clean = new URL(url);
    clean.searchParams.delete("token");
    return new Response(null, {
      status: 303,
      headers: {
        "location": clean.pathname.replace(/^\/+/, "/") + clean.search,
        "set-cookie": `${COOKIE}=${
          encodeURIComponent(token)
        }; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000`,
      },
    });
  }
  const [, bearer] = request.headers.get("authorization")?.match(/^Bearer +(\S+)$/i) ?? [];
  const shown = bearer ?? cookieOf(request.headers);
  if (shown !== undefined && same(shown, token)) return undefined;
  throw new ProblemError(
    "token-needed",
    "Open the address with ?token=… that the studio printed, or send Authorization: Bearer.",
    { headers: { "www-authenticate": 'Bearer realm="sluice"' } },
  );
}

function cookieOf(headers: Headers): string | undefined {
  const [, value] = headers.get("cookie")?.match(/(?:^|;\s*)sluice_token=([^;]*)/) ?? [];
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

/** The answer with what tells browsers to be careful with it. */
export function withHeaders(response: Response, api: boolean): Response {
  const nonce = (response as { [NONCE]?: string })[NONCE];
  // The headers of a redirect cannot be changed in place.
  const answer = new Response(response.body, response);
  const { headers } = answer;
  headers.set("x-content-type-options", "nosniff");
  // Not no-referrer: it would make the Origin of the studio's own forms null.
  headers.set("referrer-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("cross-origin-opener-policy", "same-origin");
  headers.set("x-frame-options", "DENY");
  headers.set(
    "content-security-policy",
    api ? "default-src 'none'; frame-ancestors 'none'" : policy(nonce),
  );
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  return answer;
}

/**
 * What a page may load: its own files. The one script within a page is the one that Fresh wrote, known by
 * its nonce. Markup may not bring styles but in attributes, which a renderer of markup cannot avoid.
 */
function policy(nonce: string | undefined): string {
  return [
    "default-src 'none'",
    `script-src 'self'${nonce === undefined ? "" : ` 'nonce-${nonce}'`}`,
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
