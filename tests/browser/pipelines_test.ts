import { assertEquals, assertStringIncludes } from "@std/assert";
import { serve } from "../../server/serve.ts";
import { browserTest, Visitor } from "./_chromium.ts";
import { StudioPage } from "./_page.ts";

/** Serves a studio in this process that may write into a copy of the configs. */
async function serveCopy(): Promise<{ url: string; configs: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const [configs, gallery] = [`${folder}/configs`, `${folder}/gallery`];
  await Deno.mkdir(configs);
  const source = new URL("../../configs/", import.meta.url);
  for await (const { name, isFile } of Deno.readDir(source)) {
    if (isFile) await Deno.copyFile(new URL(name, source), `${configs}/${name}`);
  }
  const served = await serve({ port: 0, configs, gallery });
  return {
    url: served.urls[0],
    configs,
    async [Symbol.asyncDispose]() {
      await served.close("cancel");
      await Deno.remove(folder, { recursive: true });
    },
  };
}

browserTest("a pipeline is changed, checked while it is written, saved and used", async () => {
  await using studio = await serveCopy();
  await using visitor = await Visitor.come();
  const { page } = visitor;
  await page.goto(`${studio.url}pipelines`);
  const stages = page.getByRole("list", { name: "Stages" });
  const text = page.locator("textarea");
  const kinds = await stages.locator(".kind").allTextContents();
  assertEquals(kinds, ["prompt", "prompt", "conditioning", "latents", "frames", "media"]);

  await page.getByText("Valid", { exact: true }).waitFor();
  await stages.getByRole("button", { name: /^encode-video/ }).click();
  await page.getByLabel("Plugin").selectOption("decode");
  await page.getByText("Valid", { exact: true }).waitFor({ state: "hidden" });
  await stages.getByRole("button", { name: /Wrong: / }).first().waitFor();
  await page.getByLabel("Plugin").selectOption("encode-video");
  await page.getByText("Valid", { exact: true }).waitFor();

  await stages.getByRole("button", { name: /^diffuse/ }).click();
  const frames = page.getByLabel("Latent frames", { exact: true });
  await frames.fill("6");
  await page.getByText("Valid", { exact: true }).waitFor();
  assertStringIncludes(await text.inputValue(), "latent-frames: 6");

  await page.getByLabel("Save as").fill("short-one");
  await page.getByRole("button", { name: "Save" }).click();
  const option = page.locator("#pick option", { hasText: "short-one" });
  await option.waitFor({ state: "attached" });
  const saved = await Deno.readTextFile(`${studio.configs}/short-one.yaml`);
  assertStringIncludes(saved, "latent-frames: 6");
  visitor.checkQuiet(studio.url);

  await page.getByRole("link", { name: "Use it" }).click();
  const form = new StudioPage(page);
  await form.alive();
  assertEquals(await page.getByLabel("Pipeline", { exact: true }).inputValue(), "short-one");
  await form.start.click();
  await form.playedTo(0.1);
  await form.until(async () => {
    const { state, framesTotal } = await form.run(studio.url);
    return state === "finished" && framesTotal === 21;
  }, "it made no 21 pictures");
  visitor.checkQuiet(studio.url);
});

browserTest("a mistake in a pipeline's text is said with its line", async () => {
  await using studio = await serveCopy();
  await using visitor = await Visitor.come();
  const { page } = visitor;
  await page.goto(`${studio.url}pipelines`);
  await page.getByText("Valid", { exact: true }).waitFor();
  const text = page.locator("textarea");
  const yaml = await text.inputValue();
  await text.fill(yaml.replace("shift: 5", "shfit: 5"));
  await page.getByText(/shift/).filter({ hasText: /line/i }).first().waitFor();
  await text.fill(yaml.replace("shift: 5", "shfit: 5").replace("- use: decode", "- use: decod"));
  const lines = page.locator("#problems").getByRole("button", { name: /^Line \d+$/ });
  await page.locator("#problems").getByText('Did you mean "decode"?').waitFor();
  assertEquals(await lines.count(), 2);
  await lines.last().click();
  const at = yaml.replace("shift: 5", "shfit: 5").indexOf("- use: decode") + "- use: ".length;
  assertEquals(await text.evaluate((area) => (area as HTMLTextAreaElement).selectionStart), at);
  await text.fill("stages: [");
  await page.getByText("Valid", { exact: true }).waitFor({ state: "hidden" });
  await text.fill(yaml);
  await page.getByText("Valid", { exact: true }).waitFor();
  visitor.checkQuiet(studio.url);
});
