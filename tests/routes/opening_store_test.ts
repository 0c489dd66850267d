import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { StudioClient } from "../../routes/(_studio)/client.ts";
import { type FormOpening, LARGEST_FILE, openingOf } from "../../routes/(_studio)/opening.ts";
import { OpeningStore } from "../../routes/(_studio)/opening_store.ts";
import { LARGEST_UPLOAD } from "../../server/upload_body.ts";
import type { UploadView } from "../../server/wire.ts";
import { runWith } from "./_run.ts";

const UPLOAD: UploadView = {
  id: "u-0123456789abcdefghijklmn",
  kind: "video",
  width: 48,
  height: 32,
  seconds: 2.1,
  bytes: 5,
  poster: "/api/uploads/u-0123456789abcdefghijklmn/poster",
};

const NAMED: FormOpening = {
  ...{ id: UPLOAD.id, kind: "video", poster: UPLOAD.poster },
  ...{ label: "ball.mp4", detail: "48 × 32, 2.1 s" },
};

function open(answer: (path: string, init?: RequestInit) => Promise<Response> | Response) {
  const asked: string[] = [];
  const client = new StudioClient((path, init) => {
    const type = new Headers(init?.headers).get("content-type");
    asked.push([init?.method, path, type].filter(Boolean).join(" "));
    return Promise.resolve(answer(path, init));
  });
  const form: { opening: FormOpening | undefined } = { opening: undefined };
  const store = new OpeningStore(client, {
    get: () => form.opening,
    set: (change) => Object.assign(form, change),
  });
  return { store, form, asked };
}

const clip = new File(["12345"], "ball.mp4", { type: "video/mp4" });

Deno.test("OpeningStore.send() sends a file as it is, and the form begins with it", async () => {
  const { store, form, asked } = open(() => Response.json(UPLOAD, { status: 201 }));
  const sending = store.send(clip);
  assertEquals(store.sending.value, "ball.mp4");
  await sending;
  assertEquals(asked, ["POST /api/uploads video/mp4"]);
  assertEquals([store.sending.value, store.error.value], [undefined, undefined]);
  assertEquals(form.opening, NAMED);
  store.setStrength(0.5);
  assertEquals(form.opening, { ...NAMED, strength: 0.5 });
  store.setStrength(undefined);
  assertEquals(form.opening, NAMED);
  store.remove();
  assertEquals(form.opening, undefined);
});

Deno.test("OpeningStore.send() sends nothing that the server would refuse for its size or type", async () => {
  const { store, asked } = open(() => Response.json(UPLOAD));
  assertEquals(LARGEST_FILE, LARGEST_UPLOAD);
  await store.send(new File(["a"], "words.txt", { type: "text/plain" }));
  assertStringIncludes(store.error.value!, "words.txt is no picture and no clip: choose a PNG");
  const large = new File([new Uint8Array(LARGEST_FILE + 1)], "long.mp4", { type: "video/mp4" });
  await store.send(large);
  assertEquals(store.error.value, "long.mp4 has 65 MiB: expected at most 64. Cut or shrink it.");
  assertEquals(asked, []);
});

Deno.test("OpeningStore.send() tells why a file was refused, and keeps what was there", async () => {
  const detail = "The file cannot be read as a clip: it is none.";
  const { store, form } = open(() => Response.json({ title: "Wrong", detail }, { status: 422 }));
  form.opening = NAMED;
  await store.send(clip);
  assertEquals([store.error.value, form.opening], [detail, NAMED]);
  store.remove();
  assertEquals(store.error.value, undefined);
});

Deno.test("OpeningStore.remove() gives up a file that is on its way, wherever that is", async () => {
  const signals: AbortSignal[] = [];
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { store, form, asked } = open((_, init) => {
    if (init?.signal) signals.push(init.signal);
    return init?.method === "DELETE" ? new Response(null, { status: 204 }) : promise;
  });
  const sending = store.send(clip);
  store.remove();
  assert(signals[0]!.aborted);
  assertEquals(store.sending.value, undefined);
  // It had arrived all the same.
  resolve(Response.json(UPLOAD, { status: 201 }));
  await sending;
  assertEquals([form.opening, store.error.value], [undefined, undefined]);
  assertEquals(asked, ["POST /api/uploads video/mp4", `DELETE /api/uploads/${UPLOAD.id}`]);
});

Deno.test("OpeningStore.check() learns what an upload is, and drops what is gone", async () => {
  const there = open(() => Response.json(UPLOAD));
  there.form.opening = openingOf({ kind: "image", id: UPLOAD.id });
  await there.store.check();
  assertEquals(there.asked, [`GET /api/uploads/${UPLOAD.id}`]);
  // It was used as a picture, whatever it is.
  assertEquals(there.form.opening, { ...NAMED, kind: "image", label: "A picture" });

  const gone = open(() => Response.json({ title: "Gone" }, { status: 404 }));
  gone.form.opening = openingOf({ kind: "video", id: "0a-1", strength: 0.5 });
  await gone.store.check();
  assertEquals([gone.form.opening, gone.asked], [undefined, ["GET /api/runs/0a-1"]]);
  assertEquals(
    gone.store.error.value,
    "The clip that it began with is not kept any more: choose it again.",
  );

  const silent = open(() => Promise.reject(new TypeError("refused")));
  silent.form.opening = NAMED;
  await silent.store.check();
  assertEquals([silent.form.opening, silent.store.error.value], [NAMED, undefined]);
});

Deno.test("OpeningStore.goOn() names a video of the gallery by its prompt", () => {
  const { store, form } = open(() => Response.json({}));
  store.goOn(runWith({ id: "0a-1", prompt: "a red ball", frames: 81 }));
  assertEquals(form.opening, {
    ...{ id: "0a-1", kind: "video", poster: "/api/runs/0a-1/poster" },
    ...{ label: "a red ball", detail: "5.1 s, 81 pictures" },
  });
});
