import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { App } from "fresh";
import { type Access, checkHost, checkSite, checkToken, secure } from "../../server/security.ts";
import { ProblemError } from "../../server/problem.ts";
import type { State } from "../../server/state.ts";
import type { Studio } from "../../server/studio.ts";

const URL_HERE = "http://127.0.0.1:8000";

function request(headers: Record<string, string>, method = "GET", path = "/"): Request {
  return new Request(URL_HERE + path, { method, headers });
}

function hostIsFine(host: string, access: Access = {}): boolean {
  try {
    checkHost(request({ host }), new URL(URL_HERE), access);
    return true;
  } catch (error) {
    assertEquals((error as ProblemError).status, 403);
    return false;
  }
}

Deno.test("checkHost() lets only the studio's own names pass, so rebinding a name gains nothing", () => {
  for (
    const own of ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "a.localhost:80"]
  ) {
    assertEquals(hostIsFine(own), true, own);
  }
  const others = [
    "evil.com",
    "127.0.0.1.evil.com",
    "localhost.evil.com:8000",
    "192.168.0.7",
    "[::2]",
  ];
  for (const other of others) assertEquals(hostIsFine(other), false, other);
  const token = "t";
  assertEquals(hostIsFine("studio.lan:8000", { host: "studio.lan", token }), true);
  assertEquals(hostIsFine("evil.com", { host: "studio.lan", token }), false);
  assertEquals(hostIsFine("192.168.0.7:8000", { host: "0.0.0.0", token }), true);
  assertEquals(hostIsFine("192.168.0.7:8000", { host: "0.0.0.0" }), false);
  assertEquals(hostIsFine("evil.com", { host: "0.0.0.0", token }), false);
  assertEquals(hostIsFine("[fe80::1]:8000", { host: "fe80::1", token }), true);
  assertEquals(hostIsFine("[fe80::1]:8000", { host: "::", token }), true);
});

function siteIsFine(headers: Record<string, string>, method: string, api: boolean): boolean {
  try {
    checkSite(request({ host: "127.0.0.1:8000", ...headers }, method), new URL(URL_HERE), api);
    return true;
  } catch (error) {
    assertEquals((error as ProblemError).status, 403);
    return false;
  }
}

Deno.test("checkSite() refuses what pages of other origins send", () => {
  const follow = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  const cases: [boolean, Record<string, string>, string, boolean][] = [
    [true, {}, "POST", true],
    [true, { origin: URL_HERE }, "POST", true],
    [true, { origin: URL_HERE, "sec-fetch-site": "same-origin" }, "POST", true],
    [true, { "sec-fetch-site": "none" }, "GET", true],
    [true, { "sec-fetch-site": "cross-site", ...follow }, "GET", false],
    [false, { "sec-fetch-site": "cross-site", ...follow }, "GET", true],
    [false, { "sec-fetch-site": "cross-site", ...follow }, "POST", false],
    [false, { "sec-fetch-site": "cross-site" }, "GET", true],
    [false, { "sec-fetch-site": "same-site" }, "GET", true],
    [false, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, "GET", false],
    [
      false,
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      "GET",
      false,
    ],
    [false, { origin: "http://evil.com" }, "POST", true],
    [false, { origin: "http://127.0.0.1:9000" }, "POST", true],
    [false, { origin: "http://localhost:8000" }, "GET", true],
    [false, { origin: "null" }, "POST", true],
  ];
  for (const [fine, headers, method, api] of cases) {
    assertEquals(siteIsFine(headers, method, api), fine, `${method} ${JSON.stringify(headers)}`);
  }
});

Deno.test("checkToken() takes it from the address, a cookie or a header, and nothing else", () => {
  const access = { token: "s3cret/=" };
  const url = (path: string) => new URL(URL_HERE + path);
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    checkToken(request(headers, method, path), url(path), access);
  assertEquals(checkToken(request({}), url("/"), {}), undefined);
  for (
    const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: "Basic s3cret/=" },
      { authorization: "Bearer s3cret/=x" },
      { cookie: "sluice_token=" },
      { cookie: "sluice_token=%E0%A4%A" },
      { cookie: "other_sluice_token=s3cret%2F%3D" },
    ] as Record<string, string>[]
  ) {
    const refused = assertThrows(() => ask("/", headers), ProblemError);
    assertEquals(refused.status, 401);
    assertMatch(refused.headers["www-authenticate"] ?? "", /^Bearer/);
  }
  assertThrows(() => ask("/?token=wrong"), ProblemError);
  assertEquals(ask("/", { authorization: "Bearer s3cret/=" }), undefined);
  assertEquals(ask("/", { cookie: "a=b; sluice_token=s3cret%2F%3D" }), undefined);
  assertEquals(ask("/api/runs?token=s3cret/%3D"), undefined);
  const entry = ask("//evil.com/?token=s3cret/%3D&a=1")!;
  assertEquals([entry.status, entry.headers.get("location")], [303, "/evil.com/?a=1"]);
  assertMatch(
    entry.headers.get("set-cookie") ?? "",
    /^sluice_token=s3cret%2F%3D; HttpOnly; SameSite=Strict; Path=\//,
  );
});

Deno.test("secure() puts its headers on every answer, and turns errors of the API into problems", async () => {
  const warnings: string[] = [];
  const options = { warn: (message: string) => warnings.push(message) };
  const answer = new App<State>().use((ctx) => {
    ctx.state.studio = { options } as unknown as Studio;
    return ctx.next();
  }).use(secure)
    .get("/", () => Object.assign(new Response("page"), { [Symbol.for("__freshNonce")]: "n0nce" }))
    .get("/away", () => Response.redirect("http://127.0.0.1:8000/"))
    .get("/api/broken", () => {
      throw new Error("a secret of the server");
    }).handler();
  const ask = (path: string, init?: RequestInit) => answer(new Request(URL_HERE + path, init));

  const page = await ask("/");
  const policy = page.headers.get("content-security-policy") ?? "";
  assertMatch(policy, /^default-src 'none'; script-src 'self' 'nonce-n0nce'; style-src 'self';/);
  assertMatch(policy, /frame-ancestors 'none'$/);
  assertEquals(policy.includes("script-src 'unsafe") || policy.includes("*"), false);
  for (const path of ["/", "/away", "/api/broken", "/api/missing"]) {
    const { headers } = await ask(path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("referrer-policy"), "same-origin", path);
    assertEquals(headers.get("x-frame-options"), "DENY", path);
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin", path);
    assertEquals(headers.get("access-control-allow-origin"), null, path);
  }
  const broken = await ask("/api/broken");
  assertEquals([broken.status, broken.headers.get("content-type")], [
    500,
    "application/problem+json",
  ]);
  assertEquals((await broken.text()).includes("secret"), false);
  assertEquals(warnings.length, 2);
  assertMatch(warnings[0] ?? "", /^GET \/api\/broken: Error: a secret of the server/);
  const missing = await ask("/api/missing");
  assertEquals(await missing.json(), {
    type: "/problems/not-found",
    title: "There is no such thing",
    status: 404,
    detail: "There is nothing at this address.",
    instance: "/api/missing",
  });
  const foreign = await ask("/", { headers: { origin: "http://evil.com" } });
  assertEquals([foreign.status, foreign.headers.get("content-type")], [
    403,
    "application/problem+json",
  ]);
});
