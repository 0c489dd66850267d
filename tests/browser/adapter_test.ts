import { Builder } from "fresh/dev";
import { assertEquals } from "@std/assert";
import { createSite } from "../adapters/fresh/site/app.ts";
import { browserTest, Visitor } from "./_chromium.ts";

const root = new URL("../adapters/fresh/site", import.meta.url).pathname;
const NONCE = Symbol.for("__freshNonce");

/** Serves the adapter's own site, under a policy that runs no script without a nonce. */
async function serveSite() {
  const app = createSite();
  (await new Builder({ root }).build({ snapshot: "memory" }))(app);
  const handler = app.handler();
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request, info) => {
      const response = await handler(request, info);
      const nonce = (response as unknown as Record<symbol, string | undefined>)[NONCE];
      const scripts = nonce === undefined ? "'self'" : `'self' 'nonce-${nonce}'`;
      response.headers.set("content-security-policy", `default-src 'self'; script-src ${scripts}`);
      return response;
    },
  );
}

browserTest("islands come to life with the server's props, and share signals", async () => {
  await using server = await serveSite();
  await using visitor = await Visitor.come();
  const { page } = visitor;
  const base = `http://127.0.0.1:${server.addr.port}`;
  const texts = (selector: string) => page.$$eval(selector, (all) => all.map((x) => x.textContent));

  await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  await page.goto(base);
  await page.waitForSelector('form[data-live="yes"]');
  assertEquals(await texts("#hint"), ['</script><b>"& 1970-01-01T00:00:00.000Z']);
  assertEquals(await page.title(), "Home · Site");
  assertEquals(await texts("output"), ["3", "3"]);
  await page.click(".step2 button");
  await page.click(".step10 button");
  assertEquals(await texts("output"), ["15", "15"]);
  assertEquals(await page.$$eval("form, output", (all) => all.length), 3, "markup was doubled");

  await page.fill("input[name=prompt]", "A cat <3");
  await page.click("form button");
  await page.waitForSelector("li");
  assertEquals(await texts("li"), ["A cat <3"]);
  assertEquals(await texts("#total"), ["1 jobs"]);
  assertEquals(await page.inputValue("input[name=prompt]"), "");
  await page.reload();
  await page.waitForSelector('form[data-live="yes"]');
  assertEquals(await texts("li"), ["A cat <3"]);
  visitor.checkQuiet(base);
  await page.goto("about:blank");
});
