import { assertEquals } from "@std/assert";
import { StudioClient } from "../../routes/(_studio)/client.ts";
import { GalleryStore } from "../../routes/(_studio)/gallery_store.ts";
import { toasts } from "../../routes/(_studio)/toasts.ts";
import { runWith } from "./_run.ts";

const video = (id: string, prompt: string) =>
  runWith({ id, prompt, state: "finished", video: `/api/runs/${id}/video` });

const red = video("3", "a red ball");
const blue = video("2", "a blue square at night");

function open(answer: () => Response = () => new Response(null, { status: 204 })) {
  const asked: string[] = [];
  const client = new StudioClient((path, init) => {
    asked.push(`${init?.method} ${path}`);
    return Promise.resolve(answer());
  });
  const page = { runs: [red, blue, runWith({ id: "1" })], next: "1" };
  return { store: new GalleryStore(page, client), asked };
}

/** Timers are the browser's own here: what is left of them when a test ends is no leak. */
const quiet = { sanitizeOps: false, sanitizeResources: false };

Deno.test("GalleryStore shows finished videos that have all words in their prompts", () => {
  const { store } = open();
  assertEquals(store.shown.value.map(({ id }) => id), ["3", "2"]);
  store.filter.value = " NIGHT blue ";
  assertEquals(store.shown.value.map(({ id }) => id), ["2"]);
});

Deno.test({
  name: "GalleryStore.remove() deletes nothing that is undone",
  ...quiet,
  fn() {
    const { store, asked } = open();
    const end = store.start();
    store.remove(red);
    assertEquals(store.shown.value.map(({ id }) => id), ["2"]);
    toasts.value.at(-1)!.action!.run();
    assertEquals(store.shown.value.map(({ id }) => id), ["3", "2"]);
    end();
    assertEquals(asked, []);
  },
});

Deno.test({
  name: "GalleryStore deletes when the page is left, without waiting",
  ...quiet,
  fn() {
    const { store, asked } = open();
    const end = store.start();
    store.remove(red);
    end();
    assertEquals(asked, ["DELETE /api/runs/3"]);
  },
});

Deno.test({
  name: "GalleryStore shows a video again that could not be deleted, and says why",
  ...quiet,
  async fn() {
    const body = { type: "", title: "x", status: 503, detail: "The disk is read-only." };
    const { store } = open(() => Response.json(body, { status: 503 }));
    const end = store.start();
    store.remove(red);
    end();
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(store.shown.value.map(({ id }) => id), ["3", "2"]);
    assertEquals(toasts.value.at(-1)?.text, "Not deleted: The disk is read-only.");
  },
});

Deno.test("GalleryStore.more() adds older ones, and knows when there are none", async () => {
  const { store, asked } = open(() => Response.json({ runs: [video("0", "old")] }));
  await store.more();
  await store.more();
  assertEquals(store.shown.value.map(({ id }) => id), ["3", "2", "0"]);
  assertEquals(asked, ["GET /api/runs?limit=24&before=1"]);
});
