import { assert, assertEquals } from "@std/assert";
import type { RunView } from "../../server/wire.ts";
import { browserTest, Visitor } from "./_chromium.ts";
import { StudioPage } from "./_page.ts";
import { StudioProcess } from "./_studio.ts";

const RED = "a red ball bounces on a green floor";

let started: Promise<StudioProcess> | undefined;

/** One studio for the tests of this file, its model loaded, and nothing going on. */
async function studio(): Promise<StudioProcess> {
  const process = await (started ??= StudioProcess.start());
  await process.ready();
  await process.clear();
  return process;
}

Deno.test.afterAll(async () => await (await started)?.[Symbol.asyncDispose]());

browserTest("the video plays before its run is over, and later from the gallery", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const page = new StudioPage(visitor.page);
  await page.open(url);
  await page.prompt.fill(RED);
  await page.setEndless(true);
  await page.start.click();

  const times = [await page.playedTo(0.3)];
  for (const _ of [1, 2]) times.push(await page.playedTo(times.at(-1)! + 0.4));
  const run = await page.run(url);
  assertEquals([run.state, run.endless], ["streaming", true]);

  await page.stop.click();
  await page.start.waitFor();
  const over = await page.run(url, run.id);
  assertEquals([over.state, over.stopped], ["finished", true]);
  assert(over.frames > 0);

  const tab = visitor.page;
  await tab.getByRole("link", { name: "Gallery" }).first().click();
  await tab.getByRole("button", { name: new RegExp(`^Play.*: ${RED}$`) }).click();
  await page.playedTo(0.2);
  assertEquals(Math.round(await page.length() * over.fps), over.frames);
  const [download] = await Promise.all([
    tab.waitForEvent("download"),
    tab.getByRole("dialog").getByRole("link", { name: "Download" }).click(),
  ]);
  assertEquals(download.suggestedFilename(), `sluice-${run.id}.mp4`);
  assertEquals((await Deno.stat(await download.path())).size, over.bytes);
  await tab.getByRole("link", { name: "Use these settings" }).click();
  await page.alive();
  assertEquals(await page.prompt.inputValue(), RED);
  assertEquals(await page.seed.inputValue(), String(over.seed));
  visitor.checkQuiet(url);
});

browserTest("a finished video is scrubbed, paused and looped", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const page = new StudioPage(visitor.page);
  await page.open(url);
  await page.start.click();
  await page.playedTo(0.1);
  await page.until(async () => (await page.run(url)).state === "finished", "the run went on");
  await page.until(async () => await page.length() === 81 / 16, "the file was not shown");
  await visitor.page.getByRole("slider", { name: "Time" }).fill("3");
  await page.playedTo(3);
  const pause = visitor.page.getByRole("button", { name: "Pause the video" });
  if (await pause.count() > 0) await pause.click();
  const paused = await page.time();
  await visitor.page.waitForTimeout(300);
  assertEquals(await page.time(), paused);

  await visitor.page.getByRole("slider", { name: "Time" }).fill("4.9");
  await visitor.page.getByRole("button", { name: "Play the video" }).click();
  await page.until(async () => await page.time() < 2, "it began not again");
  visitor.checkQuiet(url);
});

browserTest(
  "a picture is there within a second, and nothing on the page moves",
  async () => {
    const { url } = await studio();
    await using visitor = await Visitor.come();
    const page = new StudioPage(visitor.page);
    await page.open(url);
    const seconds: number[] = [];
    for (const seed of [1, 2, 3]) {
      await page.seed.fill(String(seed));
      await page.watchShifts();
      const shown = page.firstPicture();
      await page.start.click();
      seconds.push(await shown);
      await page.start.waitFor();
      assertEquals(await page.shifts(), []);
    }
    assert(Math.min(...seconds) < 1, `the first picture came after ${seconds.join(", ")} s`);
    visitor.checkQuiet(url);
  },
);

browserTest("a new prompt changes the picture while the run goes on", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const page = new StudioPage(visitor.page);
  await page.open(url);
  await page.prompt.fill(RED);
  await page.seed.fill("1");
  await page.setEndless(true);
  await page.start.click();
  await page.playedTo(1);
  const [red, green, blue] = await page.colour();
  assert(green > Math.max(red, blue) + 20, `expected a green floor, got ${[red, green, blue]}`);

  await page.prompt.fill("a purple square slides to the left over a white floor");
  await page.change.click();
  await page.until(async () => Math.min(...await page.colour()) > 120, "the floor became no white");
  const run = await page.run(url);
  assertEquals(run.state, "streaming");
  assertEquals(run.prompts.map(({ text }) => text).slice(-1), [
    "a purple square slides to the left over a white floor",
  ]);
  assert(run.prompts.length >= 2 && run.prompts.at(-1)!.chunk > 0);
  await page.stop.click();
  await page.start.waitFor();
  visitor.checkQuiet(url);
});

browserTest("a page that is loaded again joins the run, and so does a second one", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const first = new StudioPage(visitor.page);
  await first.open(url);
  await first.setEndless(true);
  await first.start.click();
  await first.playedTo(0.2);
  const { id } = await first.run(url);

  await first.page.reload();
  await first.alive();
  assertEquals(await first.page.title(), "Studio · Sluice");
  await first.moves();
  const second = new StudioPage(await visitor.tab());
  await second.open(url);
  await second.moves();
  const run = await first.run(url);
  assertEquals([run.id, run.state], [id, "streaming"]);
  assertEquals(await second.prompt.inputValue(), run.prompt);

  await second.stop.click();
  await Promise.all([first.start.waitFor(), second.start.waitFor()]);
  assertEquals((await first.run(url, id)).state, "finished");
  visitor.checkQuiet(url);
});

browserTest("what is wrong with a field is said by the field", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const page = new StudioPage(visitor.page);
  await page.open(url);
  await page.seed.fill("abc");
  await page.start.click();
  const message = visitor.page.locator("#seed-error");
  await message.getByText(/\w/).waitFor();
  assertEquals(await page.seed.getAttribute("aria-invalid"), "true");

  await page.seed.fill("7");
  await page.prompt.fill("");
  await page.start.click();
  await visitor.page.locator("#prompt-error").getByText(/\w/).waitFor();

  // This one only the server knows.
  await page.prompt.fill(RED);
  await visitor.page.locator("summary", { hasText: "Diffuse" }).click();
  const chunk = visitor.page.locator("#option-diffuse-chunk");
  await chunk.fill("9");
  const window = visitor.page.locator("#option-diffuse-window");
  await window.fill("3");
  await page.start.click();
  await visitor.page.locator('[id^="option-diffuse-"][id$="-error"]').getByText(/\w/).first()
    .waitFor();
  assertEquals(await page.video.evaluate((video: HTMLVideoElement) => video.currentTime), 0);
  visitor.takeComplaints();
});

browserTest("a studio that is killed is missed and found again, its gallery whole", async () => {
  const gallery = await Deno.makeTempDir({ prefix: "sluice-gallery-" });
  try {
    const before = await StudioProcess.start({ gallery });
    await using visitor = await Visitor.come();
    const page = new StudioPage(visitor.page);
    await before.ready();
    await page.open(before.url);
    await page.start.click();
    await page.playedTo(0.2);
    await page.start.waitFor();
    await page.setEndless(true);
    await page.start.click();
    await page.until(async () => {
      const { endless, frames } = await page.run(before.url);
      return endless && frames > 0;
    }, "no picture came");
    await before.end("SIGKILL");

    const bar = visitor.page.getByText("This page goes on as soon as it does");
    await bar.waitFor();
    await using after = await StudioProcess.start({ gallery, port: before.port });
    await bar.waitFor({ state: "hidden" });
    await visitor.page.getByText("restarted while this was being made").waitFor();
    const { runs } = await (await after.ask("api/runs")).json();
    assertEquals(runs.map(({ state, endless }: RunView) => [state, endless]), [
      ["finished", false],
    ]);

    await after.ready();
    await page.setEndless(false);
    await page.start.click();
    await page.playedTo(0.2);
    assertEquals(await visitor.page.getByText("does not answer").count(), 0);
    // The console tells of every request that nobody answered.
    visitor.takeComplaints();
  } finally {
    await Deno.remove(gallery, { recursive: true });
  }
});

browserTest("Start, Stop and the prompt are reached by keyboard alone", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const page = new StudioPage(visitor.page);
  const { keyboard } = visitor.page;
  await page.open(url);
  await page.tabTo((element) => element === "textarea#prompt");
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("a blue square spins");
  await page.tabTo((element) => element.startsWith("button") && element.includes("Start"));
  await keyboard.press("Enter");
  await page.playedTo(0.1);
  assertEquals((await page.run(url)).prompt, "a blue square spins");
  visitor.checkQuiet(url);
});
