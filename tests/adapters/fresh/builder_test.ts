import { App } from "fresh";
import { Builder } from "fresh/dev";
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { crawlRoutes } from "../../../adapters/fresh/crawl.ts";

/** A project of these files in a temporary folder, for the time of a test. */
async function withProject(files: Record<string, string>, test: (root: string) => Promise<void>) {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const COMPONENT = "export default function Empty() { return null; }";

Deno.test("crawlRoutes() knows routes, special files and islands by their names", async () => {
  const files = {
    "routes/_app.tsx": "",
    "routes/index.tsx": "",
    "routes/[name].tsx": "",
    "routes/about.test.ts": "",
    "routes/about_test.ts": "",
    "routes/about.tsx": "",
    "routes/notes.md": "",
    "routes/(_parts)/Part.tsx": "",
    "routes/(_islands)/Player.tsx": "",
    "routes/api/_middleware.ts": "",
    "routes/api/runs/index.ts": "",
    "routes/api/runs/[id].ts": "",
    "routes/api/runs/[id]/events.ts": "",
    "routes/api/[...path].ts": "",
    "routes/api/(_islands)/Deep.tsx": "",
  };
  await withProject(files, (root) => {
    const { routes, islands } = crawlRoutes(join(root, "routes"));
    assertEquals([...islands.keys()], ["Player", "Deep"]);
    assertEquals(
      routes.filter(({ kind }) => kind !== "route").map(({ kind, dir }) => [kind, dir]),
      [
        ["app", ""],
        ["middleware", "api"],
      ],
    );
    assertEquals(routes.filter(({ kind }) => kind === "route").map(({ pattern }) => pattern), [
      "/",
      "/about",
      "/api/runs",
      "/api/runs/:id",
      "/api/runs/:id/events",
      "/api/:path*",
      "/:name",
    ]);
    return Promise.resolve();
  });
});

Deno.test("Builder refuses islands of one name, and islands without a component", async () => {
  const twice = {
    "routes/(_islands)/Player.tsx": COMPONENT,
    "routes/api/(_islands)/Player.tsx": COMPONENT,
  };
  await withProject(twice, async (root) => {
    await assertRejects(
      () => new Builder({ root }).build({ snapshot: "memory" }),
      Error,
      "Could not build the islands: two are called Player, ",
    );
  });
  await withProject({ "routes/(_islands)/Player.ts": "export const x = 1;" }, async (root) => {
    await assertRejects(
      () => new Builder({ root }).build({ snapshot: "memory" }),
      TypeError,
      "expected a component as its default export, got undefined.",
    );
  });
});

Deno.test("Builder builds a project without routes, islands or static files", async () => {
  await withProject({}, async (root) => {
    const app = new App<unknown>().get("/", () => new Response("alone")).fsRoutes();
    (await new Builder({ root }).build({ snapshot: "memory" }))(app);
    const response = await app.handler()(new Request("http://localhost/"));
    assertEquals(await response.text(), "alone");
  });
});

Deno.test("Builder gives the same scripts the same addresses each time", async () => {
  const root = new URL("./site", import.meta.url).pathname;
  const links: (string | null)[] = [];
  for (const _ of [1, 2]) {
    const app = new App<unknown>().fsRoutes();
    (await new Builder({ root }).build({ snapshot: "memory" }))(app);
    const response = await app.handler()(new Request("http://localhost/"));
    await response.body?.cancel();
    links.push(response.headers.get("link"));
  }
  assertEquals(links[0], links[1]);
  assertEquals(links[0]?.includes("/fresh-client.js>"), true);
});
