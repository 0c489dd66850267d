import { assertEquals } from "@std/assert";
import { publishedFile, publishedModels } from "../../../engine/weights/mod.ts";

Deno.test("publishedModels names every file once, and publishedFile() finds it by its path", () => {
  const places = publishedModels.flatMap(({ folder, files }) =>
    files.map(({ path }) => `${folder}/${path}`)
  );
  assertEquals(new Set(places).size, places.length);
  assertEquals(new Set(publishedModels.map(({ name }) => name)).size, publishedModels.length);
  for (const place of places) {
    const found = publishedFile(`/home/me/models/${place}`);
    assertEquals(`${found?.model.folder}/${found?.file.path}`, place);
  }
  assertEquals(publishedFile("models/elsewhere/taew2_1.pth"), undefined);
  assertEquals(publishedFile("models/taehv/taew2_1.pth")?.model.name, "taew2.1");
});
