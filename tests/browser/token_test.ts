import { assertEquals } from "@std/assert";
import { serve } from "../../server/serve.ts";
import { browserTest, Visitor } from "./_chromium.ts";
import { StudioPage } from "./_page.ts";

browserTest("a studio for others opens to who has its token, and to nobody else", async () => {
  const gallery = await Deno.makeTempDir();
  const served = await serve({ port: 0, host: "0.0.0.0", gallery });
  try {
    const [url] = served.urls;
    const plain = new URL("/", url).href;
    await using stranger = await Visitor.come();
    assertEquals((await stranger.page.goto(plain))?.status(), 401);

    await using guest = await Visitor.come();
    const page = new StudioPage(guest.page);
    await page.open(url);
    assertEquals(guest.page.url(), plain);
    await page.start.click();
    await page.playedTo(0.3);
    await page.start.waitFor();
    await guest.page.goto(`${plain}gallery`);
    await guest.page.getByRole("button", { name: /^Play/ }).click();
    await page.playedTo(0.1);
    guest.checkQuiet(plain);
  } finally {
    await served.close("cancel");
    await Deno.remove(gallery, { recursive: true });
  }
});
