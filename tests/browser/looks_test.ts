import { assert, assertEquals } from "@std/assert";
import { violations } from "./_axe.ts";
import { browserTest, type Visit, Visitor } from "./_chromium.ts";
import { StudioPage } from "./_page.ts";
import { StudioProcess } from "./_studio.ts";

/** Where to put pictures of the pages, for people to look at. */
const pictures = Deno.env.get("SLUICE_PICTURES");

let started: Promise<StudioProcess> | undefined;

async function studio(): Promise<StudioProcess> {
  const process = await (started ??= StudioProcess.start());
  await process.ready();
  await process.clear();
  return process;
}

Deno.test.afterAll(async () => await (await started)?.[Symbol.asyncDispose]());

const VISITS: Readonly<Record<string, Visit>> = {
  light: {},
  dark: { colours: "dark" },
  phone: { width: 360, height: 780 },
};

for (const [name, visit] of Object.entries(VISITS)) {
  browserTest(`axe finds nothing and nothing is cut off: ${name}`, async () => {
    const { url } = await studio();
    await using visitor = await Visitor.come(visit);
    const { page } = visitor;
    const check = async (state: string) => {
      // What appears softly is judged when it is there.
      await page.waitForTimeout(300);
      if (pictures !== undefined) {
        await page.screenshot({ path: `${pictures}/${name}-${state}.png`, fullPage: true });
      }
      assertEquals(await violations(page), [], state);
      const hidden = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      });
      assert(hidden <= 0, `${state}: ${hidden} pixels are to the right of the window`);
    };

    const form = new StudioPage(page);
    await form.open(url);
    await check("empty");
    await page.locator("summary", { hasText: "Diffuse" }).click();
    await form.seed.fill("abc");
    await form.start.click();
    await check("mistaken");
    await form.seed.fill("1");
    await form.setEndless(true);
    await form.start.click();
    await form.playedTo(1);
    await form.prompt.fill("a golden star rises over the sea");
    await check("live");
    await form.stop.click();
    await form.start.waitFor();
    await check("finished");
    await page.goto(`${url}gallery`);
    await check("gallery");
    await page.getByRole("button", { name: /^Play .*: / }).first().click();
    await check("lightbox");
    await page.goto(`${url}pipelines`);
    await check("pipelines");
    await page.goto(`${url}nope`);
    await check("missing");
  });
}

browserTest("each page is less than 120 kB on its way to a browser that has nothing", async () => {
  const { url } = await studio();
  for (const path of ["", "gallery", "pipelines"]) {
    await using visitor = await Visitor.come();
    const { page } = visitor;
    await page.goto(url + path, { waitUntil: "networkidle" });
    const sizes = await page.evaluate(() =>
      [
        ...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource"),
      ].map((entry) => {
        const { name, transferSize } = entry as PerformanceResourceTiming;
        return [new URL(name).pathname, transferSize] as const;
      })
    );
    const sum = sizes.reduce((sum, [, size]) => sum + size, 0);
    assert(sizes.length > 5 && sum < 120_000, `/${path} ${sum}: ${JSON.stringify(sizes)}`);
    if (pictures !== undefined) console.log(`/${path} ${sum}`, sizes);
  }
});
