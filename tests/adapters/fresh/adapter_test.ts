/** What the adapter does better than Fresh, or refuses. */
import { App } from "fresh";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ask, quietly } from "./_site.ts";

Deno.test("staticFiles() serves files of static/ and knows what the client has", async () => {
  const response = await ask("/styles.css");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/css; charset=UTF-8");
  assertEquals(response.headers.get("cache-control"), "no-cache");
  assertEquals(await response.text(), "body {\n  font-family: sans-serif;\n}\n");
  const etag = response.headers.get("etag") ?? "";
  const again = await ask("/styles.css", { headers: { "if-none-match": etag } });
  assertEquals([again.status, await again.text()], [304, ""]);
  assertEquals((await ask("/styles.css", { method: "HEAD" })).status, 200);
  const posted = await ask("/styles.css", { method: "POST" });
  assertEquals([posted.status, await posted.text()], [405, "Method Not Allowed"]);
});

Deno.test("staticFiles() serves nothing hidden and nothing outside", async () => {
  const paths = [
    "/.hidden",
    "/%2ehidden",
    "/%2e%2e/app.ts",
    "/..%2fapp.ts",
    "/..%5capp.ts",
    "/styles.css%00",
    "/%E0%A4%A",
    "/",
  ];
  for (const path of paths) {
    const response = await ask(path);
    assertEquals(response.status, path === "/" ? 200 : 404, path);
    await response.body?.cancel();
  }
});

Deno.test("staticFiles() serves the islands' scripts for good, small", async () => {
  const html = await (await ask("/")).text();
  const urls = [...html.matchAll(/"(\/_fresh\/js\/[^"]+)"/g)].map(([, url]) => url!);
  assertEquals(urls.map((url) => url.replace(/^.*\//, "")), [
    "fresh-client.js",
    "JobForm.js",
    "Counter.js",
  ]);
  const seen = new Set<string>();
  let bytes = 0;
  const queue = [...urls];
  for (let url = queue.shift(); url !== undefined; url = queue.shift()) {
    if (seen.has(url)) continue;
    seen.add(url);
    const response = await ask(url);
    assertEquals(response.status, 200, url);
    assertEquals(response.headers.get("content-type"), "text/javascript; charset=UTF-8");
    assertEquals(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
    const text = await response.text();
    bytes += text.length;
    const base = `http://localhost${url}`;
    const imports = text.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g);
    for (const [, address = ""] of imports) queue.push(new URL(address, base).pathname);
  }
  assert(seen.size > urls.length, "the islands share no script");
  assert(bytes < 40_000, `expected less than 40 kB of scripts, got ${bytes} bytes`);
});

Deno.test("App refuses JSX as an island's prop, and prints what it answers 500 to", async () => {
  const printed = await quietly(async () => {
    assertEquals((await ask("/jsx_prop")).status, 500);
  });
  assertEquals(
    (printed[0] as Error).message,
    'Could not render the island Frame: its "children" is JSX, and an island\'s props are data. ' +
      "Render the JSX inside the island.",
  );
});

Deno.test("App leaves a parameter alone that is no percent-encoding", async () => {
  const handler = new App().get("/x/:id", ({ params }) => new Response(params.id)).handler();
  assertEquals(await (await handler(new Request("http://localhost/x/%E0"))).text(), "%E0");
});

Deno.test("Head leaves the titles of drawings alone", async () => {
  const html = await (await ask("/drawing")).text();
  assertStringIncludes(
    html,
    '<link rel="stylesheet" href="/styles.css"/><title>A page</title></head>',
  );
  assertStringIncludes(html, '<svg role="img"><title>A drawing</title></svg>');
});
