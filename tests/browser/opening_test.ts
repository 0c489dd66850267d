import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { Buffer } from "node:buffer";
import { png } from "../plugins/_png.ts";
import { violations } from "./_axe.ts";
import { browserTest, type Visit, Visitor } from "./_chromium.ts";
import { StudioPage } from "./_page.ts";
import { StudioProcess } from "./_studio.ts";

const RED = "a red ball bounces on a green floor";

/** Where to put pictures of the page, for people to look at. */
const pictures = Deno.env.get("SLUICE_PICTURES");

/** A drawn ball over a floor. */
const BALL = {
  name: "ball.png",
  mimeType: "image/png",
  buffer: Buffer.from(png(256, 192, (x, y) => {
    if (y >= 140) return [60, 154, 60];
    return (x - 128) ** 2 + (y - 75) ** 2 < 27 ** 2 ? [208, 32, 32] : [200, 216, 232];
  })),
};

let started: Promise<StudioProcess> | undefined;

/** One studio for the tests of this file, its model loaded, and nothing going on. */
async function studio(): Promise<StudioProcess> {
  const process = await (started ??= StudioProcess.start());
  await process.ready();
  await process.clear();
  return process;
}

Deno.test.afterAll(async () => await (await started)?.[Symbol.asyncDispose]());

/** The place for a file. */
const place = (page: Page) => page.getByLabel("Begin with a picture or clip");

/** Drops a file onto an element. */
async function drop(
  page: Page,
  { name, mimeType, buffer }: typeof BALL,
  onto = ".drop",
): Promise<void> {
  const data = await page.evaluateHandle(([name, type, text]) => {
    const bytes = Uint8Array.from(atob(text!), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name!, { type: type! }));
    return transfer;
  }, [name, mimeType, buffer.toString("base64")]);
  await page.locator(onto).dispatchEvent("drop", { dataTransfer: data });
}

browserTest("a video begins with a chosen picture, and the next goes on from it", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const { page } = visitor;
  const form = new StudioPage(page);
  await form.open(url);
  await form.prompt.fill(RED);
  await place(page).setInputFiles(BALL);
  const chosen = page.locator(".chosen");
  await chosen.getByText("The video begins with it · 256 × 192").waitFor();
  await page.waitForFunction(() =>
    (document.querySelector(".chosen img") as HTMLImageElement).naturalWidth === 256
  );
  await page.getByLabel("Length").fill("2");
  assertEquals(await page.locator("output[for=length]").innerText(), "1.6 s, 25 pictures");
  await form.start.click();
  await form.playedTo(0.1);
  const [red, green, blue] = await form.colour();
  assert(green > Math.max(red, blue) + 20, `expected a green floor, got ${[red, green, blue]}`);
  await form.until(async () => (await form.run(url)).state === "finished", "the run went on");
  const first = await form.run(url);
  assertEquals([first.frames, first.opening?.kind], [25, "image"]);

  // From the page itself, and then made over from the gallery.
  await page.getByRole("button", { name: "Go on from this" }).click();
  await chosen.getByText("The video goes on from its end · 1.6 s, 25 pictures").waitFor();
  assertEquals([await form.seed.inputValue(), await form.prompt.inputValue()], ["", RED]);
  // Two chunks, as before, but no picture before them.
  assertEquals(await page.locator("output[for=length]").innerText(), "1.3 s, 21 pictures");
  await form.start.click();
  await form.until(async () => {
    const { opening, state } = await form.run(url);
    return opening?.kind === "video" && state === "finished";
  }, "it did not go on");
  const next = await form.run(url);
  assertEquals([next.state, next.frames, next.opening], [
    ...["finished", 21],
    { kind: "video", id: first.id },
  ]);
  await page.goto(`${url}gallery`);
  await page.getByRole("link", { name: `Go on from: ${RED}` }).first().click();
  await form.alive();
  await chosen.waitFor();
  await page.getByRole("switch", { name: "Make it anew" }).setChecked(true, { force: true });
  await page.getByLabel("Strength").fill("0.4");
  await form.prompt.fill("a blue ball bounces on a green floor");
  assertEquals(
    await page.locator("output[for=length]").innerText(),
    "As the clip, at most 1.3 s, 21 pictures",
  );
  await form.start.click();
  await form.until(async () => {
    const { opening, state } = await form.run(url);
    return opening?.strength === 0.4 && state === "finished";
  }, "it was not made over");
  assertEquals((await form.run(url)).opening?.id, next.id);
  visitor.checkQuiet(url);
});

browserTest(
  "a picture is dropped, removed by keyboard, and what cannot be sent is told",
  async () => {
    const { url } = await studio();
    await using visitor = await Visitor.come();
    const { page } = visitor;
    const form = new StudioPage(page);
    await form.open(url);
    await drop(page, BALL);
    await page.locator(".chosen").getByText("ball.png").waitFor();
    // Anywhere on the page, another takes its place.
    await drop(page, { ...BALL, name: "second.png" }, ".viewer");
    await page.locator(".chosen").getByText("second.png").waitFor();
    await form.tabTo((element) => element === "button Remove the picture");
    await page.keyboard.press("Enter");
    await place(page).waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "opening");

    const told = page.locator("#opening-error");
    await drop(page, { ...BALL, name: "words.txt", mimeType: "text/plain" });
    await told.getByText("words.txt is no picture and no clip").waitFor();
    visitor.checkQuiet(url);
    const words = Buffer.from("once upon a time");
    await place(page).setInputFiles({ name: "words.png", mimeType: "image/png", buffer: words });
    await told.getByText("The file cannot be read as a picture").waitFor();
    assertEquals(await place(page).getAttribute("aria-invalid"), "true");
    const complaints = visitor.takeComplaints();
    assertEquals(complaints.filter((each) => !each.includes("422")), []);

    // One that the studio has let go of in the meantime.
    await place(page).setInputFiles(BALL);
    const poster = await page.locator(".chosen img").getAttribute("src");
    await fetch(new URL(poster!.replace("/poster", ""), url), { method: "DELETE" });
    await form.start.click();
    await told.getByText("There is no such upload").waitFor();
    await page.getByRole("button", { name: "Remove the picture" }).click();
    assertEquals(await told.innerText(), "");
    visitor.takeComplaints();
  },
);

browserTest("a prompt for later is followed later, and a time that cannot be is told", async () => {
  const { url } = await studio();
  await using visitor = await Visitor.come();
  const { page } = visitor;
  const form = new StudioPage(page);
  await form.open(url);
  await form.prompt.fill(RED);
  await page.getByRole("button", { name: "Another prompt, later" }).click();
  const white = "a purple square slides to the left over a white floor";
  await page.getByLabel("Prompt 2", { exact: true }).fill(white);
  const at = page.getByLabel("Seconds at which prompt 2 begins");
  await at.fill("soon");
  await form.start.click();
  await page.locator("#later-0-error").getByText("Expected seconds above 0").waitFor();
  await at.fill("60");
  await form.start.click();
  await page.locator("#later-error").getByText("the video is 5.06 s long").waitFor();
  await at.fill("2.5");
  await form.start.click();
  await form.playedTo(0.2);
  await form.until(async () => (await form.run(url)).state === "finished", "the run went on");
  await form.until(async () => await form.length() === 81 / 16, "the file was not shown");
  await page.getByRole("slider", { name: "Time" }).fill("4.9");
  await form.until(async () => Math.min(...await form.colour()) > 120, "the floor became no white");
  assertEquals((await form.run(url)).timeline, [{ at: 2.5, prompt: white }]);
  visitor.takeComplaints();
});

const VISITS: Readonly<Record<string, Visit>> = {
  light: {},
  dark: { colours: "dark" },
  phone: { width: 360, height: 780 },
};

for (const [name, visit] of Object.entries(VISITS)) {
  browserTest(
    `axe finds nothing wrong with openings, and nothing is cut off: ${name}`,
    async () => {
      const { url } = await studio();
      await using visitor = await Visitor.come(visit);
      const { page } = visitor;
      const check = async (state: string) => {
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
      // A name that leaves nowhere to break.
      await place(page).setInputFiles({ ...BALL, name: `${"drawn".repeat(20)}.png` });
      await page.locator(".chosen").waitFor();
      await page.getByRole("button", { name: "Another prompt, later" }).click();
      await page.getByLabel("Prompt 2", { exact: true }).fill("a golden star rises over the sea");
      await check("opening-picture");
      await form.start.click();
      await page.locator("#later-0-error").getByText("Expected seconds").waitFor();
      await page.getByRole("button", { name: "Remove prompt 2" }).click();
      await page.getByLabel("Length").fill("2");
      await form.start.click();
      await form.until(async () => (await form.run(url))?.state === "finished", "the run went on");
      await page.getByRole("button", { name: "Go on from this" }).click();
      await page.getByRole("switch", { name: "Make it anew" }).setChecked(true, { force: true });
      await check("opening-clip");
      await page.getByRole("button", { name: "Remove the clip" }).click();
      const words = Buffer.from("once upon a time");
      await place(page).setInputFiles({ name: "words.png", mimeType: "image/png", buffer: words });
      await page.locator("#opening-error").getByText("cannot be read").waitFor();
      await check("opening-wrong");
      await page.goto(`${url}gallery`);
      await check("opening-gallery");
      await page.getByRole("button", { name: /^Play .*: / }).first().click();
      await check("opening-lightbox");
      visitor.takeComplaints();
    },
  );
}
