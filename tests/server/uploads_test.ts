/** Pictures and clips that are sent to the studio. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { serve } from "../../server/serve.ts";
import { LARGEST_UPLOAD } from "../../server/upload_body.ts";
import { drawUploadId, isUploadId } from "../../server/upload_id.ts";
import { Uploads } from "../../server/uploads.ts";
import type { Problem, UploadView } from "../../server/wire.ts";
import { png } from "../plugins/_png.ts";
import { apiOf, type Ask, openFake, until } from "./_fakes.ts";

/** Twice as wide as high. */
const PICTURE = png(64, 32, (x) => x < 32 ? [220, 20, 20] : [20, 20, 220]);

function send(ask: Ask, body: BodyInit, type = "image/png"): Promise<Response> {
  return ask("/api/uploads", { method: "POST", body, headers: { "content-type": type } });
}

async function sent(ask: Ask, body: BodyInit, type?: string): Promise<UploadView> {
  const response = await send(ask, body, type);
  assertEquals(response.status, 201, await response.clone().text());
  const upload: UploadView = await response.json();
  assertEquals(response.headers.get("location"), `/api/uploads/${upload.id}`);
  return upload;
}

async function refusal(response: Response, status: number): Promise<Problem> {
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  const problem: Problem = await response.json();
  assertEquals([response.status, problem.status], [status, status]);
  return problem;
}

function files(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** A clip of the fake studio, 33 grey pictures of 48 × 32. */
async function clip(fake: { studio: Awaited<ReturnType<typeof openFake>>["studio"] }) {
  const { id } = await fake.studio.create({ prompt: "grey" });
  await fake.studio.running(id)!.ended;
  return { id, bytes: await Deno.readFile(fake.studio.file(id, "video")) };
}

Deno.test("POST /api/uploads keeps a picture or clip, tells what it is, and DELETE removes it", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const folder = join(fake.gallery, ".uploads");
  const picture = await sent(ask, PICTURE);
  assert(isUploadId(picture.id));
  assertEquals({ ...picture, id: "", poster: "" }, {
    ...{ id: "", kind: "image", width: 64, height: 32, seconds: 0 },
    ...{ bytes: PICTURE.length, poster: "" },
  });
  const { bytes } = await clip(fake);
  // What it is called decides only which words a refusal has.
  const film = await sent(ask, bytes, "video/mp4; codecs=avc1");
  assertEquals([film.kind, film.width, film.height, film.seconds], ["video", 48, 32, 33 / 16]);
  const names = [picture, film].flatMap(({ id }) => [id, `${id}.jpg`]).sort();
  assertEquals(files(folder), names);
  assertEquals(await (await ask(`/api/uploads/${film.id}`)).json(), film);
  const poster = await ask(picture.poster);
  assertEquals([poster.status, poster.headers.get("content-type")], [200, "image/jpeg"]);
  assertEquals([...(await poster.bytes()).subarray(0, 3)], [0xff, 0xd8, 0xff]);

  const gone = await ask(`/api/uploads/${film.id}`, { method: "DELETE" });
  assertEquals([gone.status, files(folder)], [
    204,
    names.filter((name) => !name.includes(film.id)),
  ]);
  for (const path of [`/api/uploads/${film.id}`, film.poster]) {
    assertStringIncludes((await refusal(await ask(path), 404)).detail!, "no such upload");
  }
  await fake.studio.close();
  assertEquals(files(folder), []);
  assertEquals((await refusal(await send(ask, PICTURE), 503)).detail, "The studio is closing.");
});

Deno.test("the small picture of an upload is what is in it, upright and in its shape", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const { poster } = await sent(ask, png(960, 240, (x) => x < 480 ? [220, 20, 20] : [20, 20, 220]));
  const small = await sent(ask, await (await ask(poster)).bytes(), "image/jpeg");
  assertEquals([small.kind, small.width, small.height], ["image", 480, 120]);
});

const REFUSED: readonly [
  what: string,
  body: Uint8Array<ArrayBuffer> | string,
  type: string,
  status: number,
  detail: RegExp,
][] = [
  [
    "a text named .png",
    "once upon a time",
    "image/png",
    422,
    /^The file cannot be read as a picture: .+ Give a PNG, JPEG or WebP file\.$/,
  ],
  [
    "a text named .mp4",
    "once upon a time",
    "video/mp4",
    422,
    /^The file cannot be read as a clip: .+ Give an MP4/,
  ],
  [
    "a playlist of files",
    "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "video/mp4",
    422,
    /cannot be read as a clip/,
  ],
  [
    "a list of files",
    "ffconcat version 1.0\nfile '/etc/hostname'\n",
    "video/mp4",
    422,
    /cannot be read as a clip/,
  ],
  [
    "a drawing that names a file",
    `<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`,
    "image/svg+xml",
    422,
    /cannot be read as a picture/,
  ],
  ["a picture cut off", PICTURE.slice(0, 40), "image/png", 422, /cannot be read as a picture/],
  [
    "a strip",
    png(4, 640, () => [0, 0, 0]),
    "image/png",
    422,
    /^The file is 4 × 640 pixels: expected no side longer than 16 times the other/,
  ],
  ["nothing", "", "image/png", 422, /^The file is empty\.$/],
  ["no type", PICTURE, "", 415, /^Expected a body of image\/… or video\/…, got none\.$/],
  ["JSON", "{}", "application/json", 415, /got application\/json\.$/],
  ["a form", PICTURE, "multipart/form-data; boundary=x", 415, /got multipart\/form-data\.$/],
  ["a word like a type", PICTURE, "imagery/png", 415, /got imagery\/png\.$/],
];
for (const [what, body, type, status, detail] of REFUSED) {
  Deno.test(`POST /api/uploads refuses ${what} and keeps nothing`, async () => {
    await using fake = await openFake();
    const problem = await refusal(await send(await apiOf(fake.studio), body, type), status);
    assertMatch(problem.detail!, detail);
    assertEquals([problem.detail!.includes(fake.folder), problem.detail!.includes("u-")], [
      false,
      false,
    ]);
    assertEquals(files(join(fake.gallery, ".uploads")), []);
  });
}

/** A body of so many bytes, or one that breaks off before. */
function body(size: number, broken = false): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return broken ? controller.error(new TypeError("reset")) : controller.close();
      const block = new Uint8Array(Math.min(left, 2 ** 20));
      left -= block.length;
      controller.enqueue(block);
    },
  });
}

Deno.test("POST /api/uploads refuses what is too large, declared or not, and what breaks off", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const folder = join(fake.gallery, ".uploads");
  const headers = { "content-type": "video/mp4" };
  const declared = await ask("/api/uploads", {
    method: "POST",
    headers: { ...headers, "content-length": String(LARGEST_UPLOAD + 1) },
    body: "x",
  });
  assertEquals(
    (await refusal(declared, 413)).detail,
    "Expected a file of at most 64 MiB. Cut or shrink it.",
  );
  const large = await send(ask, body(LARGEST_UPLOAD + 1), "video/mp4");
  await refusal(large, 413);
  const cut = await refusal(await send(ask, body(3 * 2 ** 20, true), "video/mp4"), 400);
  assertEquals(cut.detail, "The file did not arrive whole. The client went away.");
  assertEquals(files(folder), []);
});

Deno.test("an upload whose client goes away leaves nothing, and one that goes on is ended by closing", async () => {
  await using fake = await openFake();
  const folder = join(fake.folder, "second", ".uploads");
  const served = await serve({
    ...fake.studio.options,
    gallery: join(fake.folder, "second"),
    port: 0,
  });
  const url = new URL("/api/uploads", served.urls[0]);
  const begin = () => {
    const abort = new AbortController();
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
    const writer = writable.getWriter();
    writer.write(PICTURE).catch(() => {});
    const answer = fetch(url, {
      method: "POST",
      body: readable,
      headers: { "content-type": "image/png" },
      signal: abort.signal,
    }).then((response) => response.status, () => 0);
    return { abort, answer, writer };
  };
  const first = begin();
  await until(() => files(folder).length === 1, "something has arrived");
  assertMatch(files(folder)[0]!, /^u-[0-9a-z]{24}\.part$/);
  first.abort.abort();
  assertEquals(await first.answer, 0);
  await until(() => files(folder).length === 0, "it is removed");
  const second = begin();
  await until(() => files(folder).length === 1, "something has arrived again");
  await served.close("cancel");
  assert([0, 503].includes(await second.answer));
  assertEquals(files(join(fake.folder, "second")), [".lock"]);
});

Deno.test("Uploads takes four files at a time, and says when to come again", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
  const waiting = [1, 2, 3, 4].map(() =>
    send(ask, new ReadableStream({ start: (controller) => void controllers.push(controller) }))
  );
  const folder = join(fake.gallery, ".uploads");
  await until(() => files(folder).length === 4, "four are being received");
  const fifth = await send(ask, PICTURE);
  assertEquals([fifth.status, fifth.headers.get("retry-after")], [503, "2"]);
  await fifth.body?.cancel();
  for (const controller of controllers) {
    controller.enqueue(PICTURE);
    controller.close();
  }
  const statuses = (await Promise.all(waiting)).map(async (response) => {
    await response.body?.cancel();
    return response.status;
  });
  assertEquals(await Promise.all(statuses), [201, 201, 201, 201]);
  await sent(ask, PICTURE);
});

Deno.test("Uploads.sweep() removes what nobody asked for in an hour, but nothing that a run needs", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // What a killed process left goes, and what is not ours stays.
    const left = [drawUploadId(), `${drawUploadId()}.jpg`, `${drawUploadId()}.part`];
    for (const name of [...left, "mine.txt"]) await Deno.writeTextFile(join(folder, name), "");
    await using uploads = await Uploads.open(folder);
    assertEquals(files(folder), ["mine.txt"]);
    const receive = async () =>
      (await uploads.receive(
        new Request("http://x/", {
          method: "POST",
          body: PICTURE,
          headers: { "content-type": "image/png" },
        }),
      )).id;
    const [unused, needed] = [await receive(), await receive()];
    const held = uploads.hold(needed)!;
    assertEquals(held.path, join(folder, needed));
    await uploads.sweep(Date.now() + 3599_000);
    assert(uploads.get(unused));
    await uploads.sweep(Date.now() + 3600_001);
    assertEquals([uploads.get(unused), uploads.get(needed)?.id], [undefined, needed]);
    // Removed while it is needed: gone for whoever asks, there for the run.
    assertEquals([await uploads.remove(needed), await uploads.remove(needed)], [true, false]);
    assertEquals([uploads.get(needed), uploads.hold(needed)], [undefined, undefined]);
    assertEquals(await Deno.readFile(held.path), PICTURE);
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    await until(() => files(folder).length === 1, "its files are gone");

    const ids: string[] = [];
    for (let i = 0; i < 18; i++) ids.push(await receive());
    await uploads.sweep();
    assertEquals(ids.map((id) => uploads.get(id) !== undefined).indexOf(true), 2);
    assertEquals(files(folder).length, 1 + 2 * 16);
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
});

Deno.test("POST /api/runs refuses openings that cannot be, by their fields", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const picture = await sent(ask, PICTURE);
  const film = await clip(fake);
  const none =
    "There is no such upload: it was removed, or nobody needed it for an hour. Send the file again.";
  const gone = "The gallery has no such video: it was deleted, or never was.";
  const cannot =
    'No stage of the pipeline "fake" makes latent frames from a conditioning, so that nothing of it can be given.';
  const share = "Expected above 0 and at most 1, such as 0.6.";
  const refused: [json: Record<string, unknown>, field: string, message: string][] = [
    [{ image: drawUploadId() }, "image", none],
    [{ image: "../../../etc/passwd" }, "image", none],
    [{ image: "" }, "image", none],
    [{ image: film.id }, "image", none],
    [{ image: `${picture.id}.jpg` }, "image", none],
    [{ video: "0mwuhs6fr-axgc0rkd" }, "video", gone],
    [{ video: "..%2f..%2fvideo" }, "video", none],
    [{ video: picture.poster }, "video", none],
    [
      { image: picture.id, video: film.id },
      "video",
      "A video begins with a picture or with a clip, not with both: leave out one.",
    ],
    [
      { strength: 0.5 },
      "strength",
      "It says how much of a clip is changed: name the clip (video).",
    ],
    [
      { image: picture.id, strength: 0.5 },
      "strength",
      "It says how much of a clip is changed: name the clip (video).",
    ],
    [{ video: film.id, strength: 0 }, "strength", share],
    [{ video: film.id, strength: 1.1 }, "strength", share],
    [{ image: picture.id }, "image", cannot],
    [{ video: film.id }, "video", cannot],
    [
      { timeline: [{ at: 0, prompt: "b" }] },
      "timeline.0.at",
      "Expected a time above 0, where the first prompt begins.",
    ],
    [
      { timeline: [{ at: 1, prompt: " " }] },
      "timeline.0.prompt",
      "Say what to show, such as: a red ball bounces on a green floor.",
    ],
    [
      { timeline: [{ at: 9, prompt: "b" }] },
      "timeline",
      "9 s: the video is 2.06 s long, 33 frames at 16 a second. Choose an earlier time, or a longer video (frames).",
    ],
    [
      { timeline: [{ at: 0.5, prompt: "b" }, { at: 0.5, prompt: "c" }] },
      "timeline",
      'Two prompts begin at 0.5 s: "b" and "c". Leave out one, or let it begin later.',
    ],
  ];
  for (const [more, field, message] of refused) {
    const json = { prompt: "grey", ...more };
    const { errors } = await refusal(await ask("/api/runs", { method: "POST", json }), 422);
    assertEquals(errors, [{ field, message }], JSON.stringify(more));
  }
  // A refused run needs its upload no more.
  await fake.studio.uploads.sweep(Date.now() + 4000_000);
  assertEquals(fake.studio.uploads.get(picture.id), undefined);
});
