import { assert, assertEquals } from "@std/assert";
import { ask } from "./_site.ts";

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
