/** What holds on Fresh itself as on the adapter. */
import { App, HttpError } from "fresh";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, quietly } from "./_site.ts";

const NONCE = Symbol.for("__freshNonce");

async function statusAndText(response: Response): Promise<[number, string]> {
  return [response.status, await response.text()];
}

Deno.test("App answers routes with their parameters and the state of middlewares", async () => {
  const handler = new App<{ count: number }>()
    .use((ctx) => {
      ctx.state.count = 1;
      return ctx.next();
    })
    .get("/x/:id", ({ params, state, route }) => Response.json([params.id, state.count, route]))
    .get("/fixed", () => new Response("fixed"))
    .put("/x/:id", () => new Response("put"))
    .handler();
  const get = (path: string, init?: RequestInit) =>
    handler(new Request(`http://localhost${path}`, init));
  assertEquals(await (await get("/x/7")).json(), ["7", 1, "/x/:id"]);
  assertEquals(await (await get("//x///7")).json(), ["7", 1, "/x/:id"]);
  assertEquals(await (await get("/x/a%2Fb%20c")).json(), ["a%2Fb c", 1, "/x/:id"]);
  assertEquals((await get("/x/7/")).status, 404);
  assertEquals(await statusAndText(await get("/x/7", { method: "PUT" })), [200, "put"]);
  assertEquals((await get("/x/7", { method: "POST" })).status, 405);
  assertEquals(await statusAndText(await get("/fixed/", { method: "HEAD" })), [200, ""]);
  assertEquals((await get("/y")).status, 404);
});

Deno.test("App tells the client about its own mistakes, and nothing about others", async () => {
  const handler = new App()
    .get("/mistake", () => {
      throw new HttpError(422, "the seed is not a number");
    })
    .get("/failure", () => {
      throw new Error("secret");
    })
    .handler();
  assertEquals(
    await statusAndText(await handler(new Request("http://localhost/mistake"))),
    [422, "the seed is not a number"],
  );
  await quietly(async () => {
    assertEquals(
      await statusAndText(await handler(new Request("http://localhost/failure"))),
      [500, "Internal server error"],
    );
  });
});

Deno.test("App renders a page within layout and app, its title in place of the app's", async () => {
  const response = await ask("/");
  const html = await response.text();
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(response.headers.get("x-page"), "home");
  assertEquals(response.headers.get("x-site"), "1");
  assertEquals(response.headers.get("x-after"), "1");
  const [head = "", body = ""] = html.split("</head>");
  assertEquals(head.match(/<title>[^<]*<\/title>/g), ["<title>Home · Site</title>"]);
  assertStringIncludes(head, '<meta name="description" content="d"');
  assertStringIncludes(body, '<div class="shell"><small>/</small><main><h1>Site &lt;one&gt;</h1>');
});

Deno.test("App gives the browser the islands' props in one script that nothing ends early", async () => {
  const response = await ask("/");
  const html = await response.text();
  const scripts = [...html.matchAll(/<script[^]*?<\/script>/g)].map(([script]) => script);
  assertEquals(scripts.length, 1);
  const [script = ""] = scripts;
  const nonce = (response as unknown as Record<symbol, string>)[NONCE];
  assertEquals(nonce?.length, 32);
  const start = `<script type="module" nonce="${nonce}">import { boot } from "/_fresh/js/`;
  assertEquals(script.slice(0, start.length), start);
  assertStringIncludes(script, "boot({JobForm,Counter},");
  assertEquals(script.match(/<\/script/g)?.length, 1);
  const islands = [...html.matchAll(/<!--(?:frsh:)?island:(\w+):(\d)/g)];
  assertEquals(islands.map(([, name, index]) => `${name} ${index}`), [
    "JobForm 0",
    "Counter 1",
    "Counter 2",
  ]);
  assertStringIncludes(response.headers.get("link") ?? "", '; rel="modulepreload"; as="script"');
});

Deno.test("App gives a page without islands no script", async () => {
  const response = await ask("/jobs");
  assertEquals((await response.text()).includes("<script"), false);
  assertEquals(response.headers.get("link"), null);
});

Deno.test("App shows its error page outside all middlewares", async () => {
  for (const path of ["/nope", "/api/nope", "/jobs/nope"]) {
    const response = await ask(path);
    assertEquals(response.status, 404, path);
    assertStringIncludes(await response.text(), '<h1>404</h1><p id="error">');
    assertEquals(response.headers.get("x-site"), null);
    assertEquals(response.headers.get("x-after"), null);
  }
  await quietly(async () => {
    const response = await ask("/jobs?boom");
    assertEquals(response.status, 500);
    assertStringIncludes(await response.text(), '<div class="shell">');
  });
});

Deno.test("App answers a method that a file does not handle with 404", async () => {
  assertEquals((await ask("/api/jobs", { method: "PUT" })).status, 404);
  assertEquals((await ask("/jobs", { method: "POST" })).status, 200);
  assertEquals((await ask("/healthz", { method: "POST" })).status, 405);
});

Deno.test("App lets a folder's middleware turn its errors into its own answers", async () => {
  const wrong = await ask("/api/jobs", { method: "POST", body: "{}" });
  assertEquals(wrong.status, 400);
  assertEquals(await wrong.json(), { error: "prompt is needed" });
  const made = await ask("/api/jobs", { method: "POST", body: '{"prompt":"a cat"}' });
  assertEquals(made.status, 201);
  const { id } = await made.json();
  assertEquals(await (await ask(`/api/jobs/${id}`)).json(), { id, prompt: "a cat" });
  assertEquals((await ask(`/api/jobs/${id}`, { method: "DELETE" })).status, 204);
  const gone = await ask(`/api/jobs/${id}`);
  assertEquals([gone.status, await gone.json()], [404, { error: `No job ${id}` }]);
});

Deno.test("App takes the rest of a path, and redirects to its own host alone", async () => {
  assertEquals(await (await ask("/files/a/b%20c.txt")).text(), "file a/b c.txt");
  const response = await ask("/old");
  assertEquals([response.status, response.headers.get("location")], [301, "/jobs"]);
});

Deno.test("App streams what a handler writes, until the client leaves", async () => {
  const response = await ask("/api/events");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "retry: 1000\n\n");
  await ask("/api/jobs", { method: "POST", body: '{"prompt":"streamed"}' });
  const { value = "" } = await reader.read();
  assertStringIncludes(value, 'event: job\ndata: {"id":"');
  assertStringIncludes(value, '"prompt":"streamed"}\n\n');
  await reader.cancel();
});
