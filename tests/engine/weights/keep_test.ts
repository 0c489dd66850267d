import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DownloadError,
  findModel,
  planPull,
  pull,
  removeModel,
  verifyModel,
} from "../../../engine/weights/mod.ts";
import { HubServer, sha256Of } from "./_hub_server.ts";
import { BYTES, WHOLE, withFolder } from "./_pulling.ts";

Deno.test("verifyModel() names what is missing, damaged or shortened", async () => {
  await withFolder(async (folder) => {
    await using server = new HubServer({});
    const model = server.model([
      { path: "a", use: "", bytes: BYTES, sha256: sha256Of(WHOLE) },
      { path: "b", use: "", bytes: BYTES, sha256: sha256Of(WHOLE) },
      { path: "c", use: "" },
    ]);
    await Deno.mkdir(`${folder}/Model`);
    await Deno.writeFile(`${folder}/Model/a`, WHOLE.subarray(1));
    await Deno.writeFile(`${folder}/Model/c`, WHOLE);
    const [a, b, c] = await verifyModel(model, folder);
    assertEquals([a?.state, b?.state, c?.state], ["damaged", "missing", "unknown"]);
    assertEquals(a?.detail, "expected 50000 bytes, got 49999");
    assertStringIncludes(c?.detail ?? "", sha256Of(WHOLE));
  });
});

Deno.test("removeModel() removes files, parts and empty folders, nothing else", async () => {
  await using server = new HubServer({
    "x/a.pt": { content: WHOLE, lfs: true },
    "x/b.pt": { content: WHOLE, lfs: true, gets: [{ status: 404 }] },
  });
  await withFolder(async (folder) => {
    const model = server.model([{ path: "x/a.pt", use: "" }, { path: "x/b.pt", use: "" }]);
    const options = { folder, environment: { HF_ENDPOINT: server.endpoint }, parallel: 1 };
    const plan = await planPull([model], options);
    await assertRejects(() => pull(plan, options), DownloadError);
    await Deno.writeTextFile(`${folder}/Model/x/b.pt.0011.part`, "beginning");
    await Deno.writeTextFile(`${folder}/mine.txt`, "mine");
    assertEquals((await findModel(model, folder)).map(({ state }) => state), ["there", "begun"]);
    assertEquals(await removeModel(model, folder), BYTES + 9);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["mine.txt"]);
    assertEquals((await findModel(model, folder)).map(({ state }) => state), [
      "missing",
      "missing",
    ]);
  });
});
