import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";
import { Gallery } from "../../server/gallery.ts";
import { drawRunId, isRunId } from "../../server/run_id.ts";
import type { RunView } from "../../server/wire.ts";

function view(id: string): RunView {
  return { id, state: "finished", prompt: "a", chunks: [], bytes: 3 } as unknown as RunView;
}

async function publish(gallery: Gallery, id: string): Promise<void> {
  await using draft = await gallery.begin(id);
  await Deno.writeTextFile(draft.path("stream"), "fragments");
  await Deno.writeTextFile(draft.path("video"), "mp4");
  await Deno.writeTextFile(draft.path("poster"), "jpg");
  await draft.publish({ version: 1, run: view(id), config: "name: a" });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("Gallery keeps runs over restarts, newest first", async () => {
  const folder = await Deno.makeTempDir();
  const ids = [drawRunId(), drawRunId()];
  {
    using gallery = await Gallery.open(folder);
    for (const id of ids) await publish(gallery, id);
    assertEquals(gallery.list().map(({ id }) => id), ids.toReversed());
  }
  using gallery = await Gallery.open(folder);
  assertEquals(gallery.list().map(({ id }) => id), ids.toReversed());
  const [id = ""] = ids;
  assertEquals(names(join(folder, id)), ["poster.jpg", "run.json", "video.mp4"]);
  const record = JSON.parse(await Deno.readTextFile(gallery.path(id, "run")));
  assertEquals([record.version, record.config], [1, "name: a"]);
  assertEquals(await gallery.remove(id), true);
  assertEquals(await gallery.remove(id), false);
  assertEquals(names(folder), [".lock", ids[1]]);
});

Deno.test("Gallery.open() removes what was cut off, lists none of it and touches nothing else", async () => {
  const folder = await Deno.makeTempDir();
  const [half, doomed, empty, torn, alien] = Array.from({ length: 5 }, drawRunId);
  const put = async (path: string, text = "") => {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  };
  await put(`.tmp-${half}/stream.mp4`);
  await put(`.del-${doomed}/video.mp4`);
  await put(`${empty}/video.mp4`);
  await put(`${torn}/video.mp4`);
  await put(`${torn}/run.json`, '{"version":1,"run":{"id"');
  await put(`${alien}/video.mp4`);
  await put(`${alien}/run.json`, JSON.stringify({ version: 1, run: view("another") }));
  await put(".tmp-holiday/photo.jpg");
  await put("holiday/photo.jpg");
  const warnings: string[] = [];
  using gallery = await Gallery.open(folder, (message) => warnings.push(message));
  assertEquals(gallery.list(), []);
  assertEquals(
    names(folder),
    [".lock", ".tmp-holiday", "holiday", ...[empty, torn, alien] as string[]].sort(),
  );
  assertEquals(warnings.length, 3);
  assert(warnings.some((each) => each.includes(`The run ${torn} in the gallery`)));
});

Deno.test("Gallery.begin() leaves nothing of a run that was not published", async () => {
  const folder = await Deno.makeTempDir();
  using gallery = await Gallery.open(folder);
  {
    await using draft = await gallery.begin(drawRunId());
    await Deno.writeTextFile(draft.path("stream"), "fragments");
    assertEquals(names(folder).length, 2);
  }
  assertEquals(names(folder), [".lock"]);
  assertEquals(gallery.list(), []);
});

Deno.test("Gallery refuses a second studio, a file as its folder, and names that are no ids", async () => {
  const folder = await Deno.makeTempDir();
  using gallery = await Gallery.open(folder);
  await assertRejects(() => Gallery.open(folder), UserError, "is in use by another studio");
  const file = join(folder, "file");
  await Deno.writeTextFile(file, "");
  await assertRejects(() => Gallery.open(file), UserError, "Name a folder that can be written.");
  for (const bad of ["", "..", "../x", "a/b", ".tmp-a", "x".repeat(18)]) {
    assertEquals(isRunId(bad), false);
    await assertRejects(() => gallery.begin(bad), RangeError, "is no run's id");
    await assertRejects(() => gallery.remove(bad), RangeError, "is no run's id");
  }
});

Deno.test("drawRunId() gives names that sort by time", () => {
  const ids = Array.from({ length: 100 }, drawRunId);
  assertEquals(ids.toSorted(), ids);
  assert(ids.every(isRunId));
});
