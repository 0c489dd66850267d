import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { ProblemError } from "../../server/problem.ts";
import type { RunServerEvent, RunState } from "../../server/wire.ts";
import { type FakeStudio, openFake, until, untilReady } from "./_fakes.ts";

const SLOW = { "paint.wait": 30 };

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== ".lock");
}

/** Everything a run tells, to its end. */
function events({ studio }: FakeStudio, id: string): Promise<RunServerEvent[]> {
  return Array.fromAsync(studio.running(id)!.log.listen(0), ({ event }) => event);
}

async function ended(fake: FakeStudio, id: string): Promise<void> {
  await fake.studio.running(id)?.ended;
}

Deno.test("Studio.create() makes a run from the queue to the gallery, and tells each step", async () => {
  await using fake = await openFake();
  const { id } = await fake.studio.create({ prompt: "grey", seed: 7 });
  const told = await events(fake, id);
  const states = told.flatMap((event) => "run" in event ? [event.run.state] : []);
  assertEquals([...new Set(states)], ["queued", "starting", "streaming", "finished"]);
  assertEquals(told.at(-1)?.type, "done");
  const chunks = told.filter((event) => event.type === "chunk");
  assertEquals(
    chunks.filter(({ stage }) => stage === "encode-video").map((
      { chunk, frames },
    ) => [chunk, frames]),
    [[0, 9], [1, 12], [2, 12]],
  );
  const media = told.filter((event) => event.type === "media");
  assertEquals(media.map(({ frames }) => frames), [9, 21, 33]);

  const run = fake.studio.find(id)!;
  assertEquals([run.state, run.seed, run.frames, run.framesTotal], ["finished", 7, 33, 33]);
  assertEquals([run.chunksTotal, run.width, run.height, run.fps], [3, 48, 32, 16]);
  assertEquals(run.video, `/api/runs/${id}/video`);
  assertEquals(run.stream, undefined);
  assertEquals(run.chunks.map(({ frames }) => frames), [9, 12, 12]);
  assertEquals(Object.keys(run.chunks[0]!.stages), ["extend-prompt", "paint", "encode-video"]);
  assert(run.firstFrameSeconds! > 0 && run.mediaType!.startsWith("video/mp4; codecs="));
  assertEquals(names(join(fake.gallery, id)).sort(), ["poster.jpg", "run.json", "video.mp4"]);
  const poster = await Deno.readFile(fake.studio.file(id, "poster"));
  assertEquals([...poster.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  assertEquals(run.bytes, (await Deno.stat(fake.studio.file(id, "video"))).size);
});

Deno.test("Studio keeps the model loaded: a second run's first event of work comes without loading", async () => {
  await using fake = await openFake();
  for (const seed of [1, 2]) {
    const { id } = await fake.studio.create({ prompt: "grey", seed });
    await ended(fake, id);
  }
  assertEquals(fake.painted.created, 1);
  // Other options are another stage; the first stays beside it.
  for (const frames of [9, 33]) {
    const { id } = await fake.studio.create({ prompt: "grey", frames });
    await ended(fake, id);
    assertEquals(fake.studio.find(id)?.frames, frames);
  }
  assertEquals([fake.painted.created, fake.painted.closed], [2, 0]);
  const { id } = await fake.studio.create({ prompt: "grey", frames: 21 });
  await ended(fake, id);
  assertEquals([fake.painted.created, fake.painted.closed], [3, 1]);
  await fake.studio.close();
  assertEquals([fake.painted.created, fake.painted.closed], [3, 3]);
});

Deno.test("Studio.create() bounds the queue and tells positions", async () => {
  await using fake = await openFake({ queue: 3 });
  const { studio } = fake;
  const first = await studio.create({ prompt: "a", options: SLOW, frames: 0 });
  await until(() => studio.find(first.id)?.state === "streaming", "the first run streams");
  const ids: string[] = [];
  for (const prompt of ["b", "c", "d"]) ids.push((await studio.create({ prompt })).id);
  assertEquals(ids.map((id) => studio.find(id)?.position), [1, 2, 3]);
  assertEquals(studio.live(), { status: "ok", queued: 3, busy: true });
  const full = await assertRejects(() => studio.create({ prompt: "e" }), ProblemError);
  assertEquals([full.status, full.message], [
    429,
    "3 runs wait already: wait for one, or stop one.",
  ]);
  const [b = "", c = "", d = ""] = ids;
  assertEquals(studio.patch(c, { action: "stop" }).state, "cancelled");
  assertEquals([b, d].map((id) => studio.find(id)?.position), [1, 2]);
  studio.patch(first.id, { action: "stop" });
  await ended(fake, d);
  assertEquals(ids.map((id) => studio.find(id)?.state), ["finished", "cancelled", "finished"]);
  assertEquals(studio.find(first.id)?.stopped, true);
  assertEquals(studio.find(d)?.position, undefined);
});

Deno.test("Studio.patch() changes the prompt from the next chunk on, pauses, resumes, stops", async () => {
  await using fake = await openFake();
  const { studio, painted } = fake;
  const { id } = await studio.create({ prompt: "first", options: { "paint.wait": 5 }, frames: 0 });
  await until(() => studio.find(id)!.frames > 0, "there are pictures");
  assertEquals(studio.patch(id, { prompt: "second" }).prompt, "second");
  await until(() => painted.prompts.includes("second"), "the prompt is used");
  assertEquals(studio.patch(id, { action: "pause" }).paused, true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const before = painted.prompts.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(painted.prompts.length, before);
  assertEquals(studio.patch(id, { action: "resume" }).paused, false);
  await until(() => painted.prompts.length > before, "it goes on");
  studio.patch(id, { action: "stop" });
  await ended(fake, id);
  const run = studio.find(id)!;
  assertEquals([run.state, run.stopped, run.endless, run.framesTotal], [
    "finished",
    true,
    true,
    null,
  ]);
  assertEquals(run.prompts.map(({ text }) => text), ["first", "second"]);
  assertEquals(run.prompts[0]?.chunk, 0);
  assert(run.prompts[1]!.chunk > 0);
  for (const action of ["pause", "resume", "stop"] as const) {
    const refused = assertThrows(() => studio.patch(id, { action }), ProblemError);
    assertEquals(refused.status, 409);
  }
});

Deno.test("Studio.patch() changes the prompt of a run that waits", async () => {
  await using fake = await openFake();
  const { studio, painted } = fake;
  const first = await studio.create({ prompt: "a", options: SLOW, frames: 0 });
  const { id } = await studio.create({ prompt: "old" });
  assertEquals(studio.patch(id, { prompt: "new" }).prompts, [{ chunk: 0, text: "new" }]);
  await studio.remove(first.id);
  await ended(fake, id);
  assert(!painted.prompts.includes("old") && painted.prompts.includes("new"));
});

Deno.test("Studio.remove() ends a run at once and leaves nothing of it", async () => {
  await using fake = await openFake();
  const { studio } = fake;
  const { id } = await studio.create({ prompt: "a", options: SLOW, frames: 0 });
  await until(() => studio.find(id)?.state === "streaming", "it streams");
  assertEquals(names(fake.gallery), [`.tmp-${id}`]);
  const run = studio.running(id)!;
  const waiting = await studio.create({ prompt: "b" });
  await studio.remove(id);
  assertEquals([run.state, studio.find(id)], ["cancelled", undefined]);
  await ended(fake, waiting.id);
  assertEquals(names(fake.gallery), [waiting.id]);
  await studio.remove(waiting.id);
  assertEquals(names(fake.gallery), []);
  await assertRejects(() => studio.remove(id), ProblemError, "There is no such run");
});

Deno.test("Studio tells of a run that fails, and goes on", async () => {
  await using fake = await openFake();
  const { studio } = fake;
  const states: [RunState, string | undefined][] = [];
  for (const fail of ["user", "engine", "create"]) {
    const { id } = await studio.create({ prompt: "a", options: { "paint.fail": fail } });
    await ended(fake, id);
    const run = studio.find(id)!;
    states.push([run.state, run.error]);
  }
  assertEquals(states, [
    ["failed", "paint: the paint is dry: buy some."],
    ["failed", 'The stage "paint" failed: the device is lost'],
    ["failed", 'The stage "paint" failed: no device'],
  ]);
  const { id } = await studio.create({ prompt: "a" });
  await ended(fake, id);
  assertEquals(studio.find(id)?.state, "finished");
  assertEquals(names(fake.gallery), [id]);
  assertEquals(studio.list().runs.map(({ state }) => state), [
    "finished",
    "failed",
    "failed",
    "failed",
  ]);
});

Deno.test("Studio frees the stages of a run that broke the engine, and loads them anew", async () => {
  await using fake = await openFake();
  const { studio, painted } = fake;
  await untilReady(studio);
  const { id } = await studio.create({ prompt: "a", options: { "paint.fail": "engine" } });
  await ended(fake, id);
  await until(() => painted.created === 2, "it is loaded again");
  // The one that failed had options of its own: the studio's own model was not touched.
  assertEquals(painted.closed, 1);
  await untilReady(studio);
});

Deno.test("Studio.ready() is 503 while the model loads and where it cannot be loaded", async () => {
  const broken = `name: fake
stages:
  - use: paint
    with: { fail: create }
  - use: encode-video
`;
  await using fake = await openFake({}, undefined, broken);
  const loading = assertThrows(() => fake.studio.ready(), ProblemError);
  assertEquals([loading.status, loading.message], [
    503,
    "The model is being loaded: ask again in a moment.",
  ]);
  await until(() => fake.warnings.length > 0, "loading has failed");
  const dead = assertThrows(() => fake.studio.ready(), ProblemError);
  assertEquals(dead.message, 'The model cannot be used: The stage "paint" failed: no device');
  assertEquals(fake.studio.live().status, "ok");
  // A pipeline that works brings it back.
  const { id } = await fake.studio.create({ prompt: "a", options: { "paint.fail": "no" } });
  await ended(fake, id);
  await until(() => !fake.studio.live().busy, "the studio has looked at the run");
  assertEquals(fake.studio.ready().status, "ok");
});

Deno.test("Studio.close() keeps what a run has made, or drops it; runs that wait are cancelled", async () => {
  for (const how of ["finish", "cancel"] as const) {
    await using fake = await openFake();
    const { studio } = fake;
    const { id } = await studio.create({ prompt: "a", options: SLOW, frames: 0 });
    const waiting = await studio.create({ prompt: "b" });
    await until(() => studio.find(id)!.frames > 0, "there are pictures");
    await studio.close(how);
    const finished = how === "finish";
    assertEquals(studio.find(id)?.state, finished ? "finished" : "cancelled");
    assertEquals(studio.find(waiting.id)?.state, "cancelled");
    assertEquals(names(fake.gallery), finished ? [id] : []);
    assertEquals(fake.painted.closed, fake.painted.created);
    const refused = await assertRejects(() => studio.create({ prompt: "c" }), ProblemError);
    assertEquals(refused.status, 503);
  }
});

Deno.test("Studio finds its runs again after a restart", async () => {
  const folder = await Deno.makeTempDir();
  const first = await openFake({}, folder);
  const { id } = await first.studio.create({
    prompt: "grey",
    seed: 5,
    options: { "paint.wait": 1 },
  });
  await ended(first, id);
  const before = first.studio.find(id)!;
  await first.studio.close();
  await using second = await openFake({}, folder);
  assertEquals(second.studio.find(id), before);
  assertEquals(second.studio.list(), { runs: [before] });
  assertEquals(before.options, { "paint.wait": 1 });
  const late = assertThrows(() => second.studio.patch(id, { action: "stop" }), ProblemError);
  assertEquals(late.status, 409);
});

Deno.test("Studio.list() goes through the runs page by page", async () => {
  await using fake = await openFake();
  const { studio } = fake;
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift((await studio.create({ prompt: `${i}`, frames: 9 })).id);
  await ended(fake, ids[0]!);
  const pages: string[][] = [];
  let next: string | undefined;
  do {
    const page = studio.list({ limit: 2, before: next });
    pages.push(page.runs.map(({ id }) => id));
    next = page.next;
  } while (next !== undefined);
  assertEquals(pages, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
});
