import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../pipeline/errors.ts";
import { serve, type ServedStudio, type ServeOptions } from "../../server/serve.ts";

/** Serves a studio with an empty gallery for the time of a test. */
async function withStudio(
  options: ServeOptions,
  test: (
    served: ServedStudio,
    ask: (path: string, init?: RequestInit) => Promise<Response>,
  ) => void,
) {
  const gallery = await Deno.makeTempDir();
  try {
    const served = await serve({ port: 0, gallery, ...options });
    const [url] = served.urls;
    try {
      await test(served, (path, init) => fetch(new URL(path, url), init));
    } finally {
      await served.close("cancel");
    }
  } finally {
    await Deno.remove(gallery, { recursive: true });
  }
}

// The model's worker and its library stay.
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test("serve() answers on this machine alone, without a token", options, async () => {
  await withStudio({}, async ({ urls, token }, ask) => {
    assertMatch(urls.join(), /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assertEquals(token, undefined);
    assertEquals(await (await ask("api/health/live")).json(), {
      status: "ok",
      queued: 0,
      busy: false,
    });
  });
});

Deno.test("serve() draws a token where others reach it", options, async () => {
  await withStudio({ host: "0.0.0.0" }, async ({ urls, token }, ask) => {
    assertMatch(token ?? "", /^[0-9a-f]{32}$/);
    assertEquals(new URL(urls[0]).searchParams.get("token"), token);
    const refused = await ask("api/runs");
    assertEquals(refused.status, 401);
    await refused.body?.cancel();
    const headers = { authorization: `Bearer ${token}` };
    const allowed = await ask("api/runs", { headers });
    assertEquals(allowed.status, 200);
    await allowed.body?.cancel();
  });
});

Deno.test("serve() protects error pages as it does others", options, async () => {
  await withStudio({}, async (_, ask) => {
    const page = await ask("nope");
    assertEquals(page.status, 404);
    assertStringIncludes(page.headers.get("content-security-policy") ?? "", "script-src 'self'");
    assertEquals(page.headers.get("x-content-type-options"), "nosniff");
    await page.body?.cancel();
    const problem = await ask("api/runs/%E0");
    assertEquals(problem.status, 400);
    assertEquals((await problem.json()).detail, "The address holds a % that encodes nothing.");
  });
});

Deno.test("serve() refuses a port that is taken and a host that is not here", options, async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  try {
    await assertRejects(
      () => serve({ port }),
      UserError,
      `Could not listen on 127.0.0.1: port ${port} is taken. Name another with --port, or 0 for any.`,
    );
  } finally {
    listener.close();
  }
  await assertRejects(
    () => serve({ port: 0, host: "192.0.2.1" }),
    UserError,
    "Could not listen on 192.0.2.1:0: ",
  );
});

Deno.test("serve() ends once, however often it is told to", options, async () => {
  await withStudio({}, async (served, ask) => {
    const closing = [served.close("finish"), served.close("cancel")];
    await Promise.all(closing);
    await assertRejects(() => ask("api/health/live"), TypeError);
  });
});
