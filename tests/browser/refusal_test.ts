import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { serve } from "../../server/serve.ts";
import { browserTest, Visitor } from "./_chromium.ts";
import { StudioPage } from "./_page.ts";

/** Where to put pictures of the page, for people to look at. */
const pictures = Deno.env.get("SLUICE_PICTURES");

browserTest("a pipeline that lacks its model, and one too large, say the way out", async () => {
  const folder = await Deno.makeTempDir();
  const configs = `${folder}/configs`;
  await Deno.mkdir(configs);
  const source = new URL("../../configs/", import.meta.url);
  await Deno.copyFile(new URL("embedded.yaml", source), `${configs}/embedded.yaml`);
  const text = await Deno.readTextFile(new URL("self_forcing_dmd_vae.yaml", source));
  const moved = text.replaceAll(/\b(weights|tokenizer): models\//g, `$1: ${folder}/models/`);
  await Deno.writeTextFile(`${configs}/large.yaml`, moved);
  const served = await serve({ port: 0, configs, gallery: `${folder}/gallery`, memory: 32e9 });
  try {
    await using visitor = await Visitor.come();
    const form = new StudioPage(visitor.page);
    await form.open(served.urls[0]);
    const said = visitor.page.locator("p.error.boxed");
    const picture = async (name: string) => {
      const path = `${pictures}/${name}.png`;
      if (pictures !== undefined) await visitor.page.screenshot({ path, fullPage: true });
    };
    await visitor.page.getByLabel("Pipeline", { exact: true }).selectOption("large");
    await form.prompt.fill("a red ball bounces on a green floor");
    await form.start.click();
    await said.filter({ hasText: "sluice models pull" }).waitFor();
    assertStringIncludes(
      await said.innerText(),
      "are not here. To get them: sluice models pull umt5-xxl self-forcing-dmd wan2.1-vae",
    );
    await picture("models-missing");

    for (const [, file = ""] of moved.matchAll(/\b(?:weights|tokenizer): ([^\s#}]+)/g)) {
      await Deno.mkdir(dirname(file), { recursive: true });
      await Deno.writeTextFile(file, "");
    }
    await form.start.click();
    await said.filter({ hasText: "does not fit into this machine" }).waitFor();
    const words = await said.innerText();
    for (const way of ["there are 32.0 GB", "diffuse.window=9 saves", "--overcommit"]) {
      assertStringIncludes(words, way);
    }
    await picture("too-little-memory");
    const complaints = visitor.takeComplaints();
    assertEquals(complaints.filter((each) => !each.includes("409 (Conflict)")), []);
  } finally {
    await served.close("cancel");
    await Deno.remove(folder, { recursive: true });
  }
});
