import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { PipelineView, Problem, RunView } from "../../server/wire.ts";
import { apiOf, type Ask, openFake, until, untilReady } from "./_fakes.ts";

async function created(ask: Ask, json: unknown): Promise<RunView> {
  const response = await ask("/api/runs", { method: "POST", json });
  assertEquals(response.status, 201);
  const run: RunView = await response.json();
  assertEquals(response.headers.get("location"), `/api/runs/${run.id}`);
  return run;
}

async function problem(response: Response, status: number): Promise<Problem> {
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  assertEquals(response.headers.get("cache-control"), "no-store");
  const body: Problem = await response.json();
  assertEquals([response.status, body.status], [status, status]);
  assertMatch(body.type, /^\/problems\/[a-z-]+$/);
  assert(body.title !== "" && body.detail !== undefined && body.instance?.startsWith("/"));
  return body;
}

function texts(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string[]> {
  return Array.fromAsync(stream.pipeThrough(new TextDecoderStream()));
}

Deno.test("the API makes a run, tells of it, streams it, and serves its files", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const { id } = await created(ask, { prompt: "grey", seed: 3, options: { "paint.wait": 5 } });
  const stream = await ask(`/api/runs/${id}/stream`);
  assertMatch(stream.headers.get("content-type") ?? "", /^video\/mp4/);
  const events = await ask(`/api/runs/${id}/events`);
  assertEquals(events.headers.get("content-type"), "text/event-stream");
  const [bytes, told] = await Promise.all([
    new Response(stream.body).bytes(),
    texts(events.body!),
  ]);
  assertEquals(new TextDecoder().decode(bytes.subarray(4, 8)), "ftyp");
  assertMatch(told[1] ?? "", /^id: \d+\nevent: state\ndata: \{"type":"state","run":\{"id":/);
  assertMatch(told.at(-1) ?? "", /^id: \d+\nevent: done\ndata: /);

  const run: RunView = await (await ask(`/api/runs/${id}`)).json();
  assertEquals([run.state, run.frames], ["finished", 33]);
  const video = await ask(run.video!);
  assertEquals(video.headers.get("content-type"), "video/mp4");
  const whole = await video.bytes();
  assertEquals(whole.length, run.bytes);
  const part = await ask(run.video!, { headers: { range: "bytes=4-7" } });
  assertEquals([part.status, await part.text()], [206, "ftyp"]);
  const head = await ask(run.video!, { method: "HEAD" });
  assertEquals([head.headers.get("content-length"), await head.text()], [`${run.bytes}`, ""]);
  const saved = await ask(`${run.video}?download=1`, { method: "HEAD" });
  assertEquals(
    saved.headers.get("content-disposition"),
    `attachment; filename="sluice-${id}.mp4"`,
  );
  const poster = await ask(run.poster!);
  assertEquals(poster.headers.get("content-type"), "image/jpeg");
  await poster.body?.cancel();

  // Whoever comes to the stream now is led to the video.
  const late = await ask(`/api/runs/${id}/stream`);
  assertEquals([late.status, late.headers.get("location")], [303, run.video]);
  assertEquals((await ask(`/api/runs/${id}`, { method: "DELETE" })).status, 204);
  for (const path of ["", "/events", "/stream", "/video", "/poster"]) {
    await problem(await ask(`/api/runs/${id}${path}`), 404);
  }
});

Deno.test("GET …/events resumes by Last-Event-ID and tells a browser when not to come back", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const { id } = await created(ask, { prompt: "grey" });
  await fake.studio.running(id)!.ended;
  const from = async (last: string) => {
    const response = await ask(`/api/runs/${id}/events`, { headers: { "last-event-id": last } });
    return [response.status, response.body === null ? [] : await texts(response.body)] as const;
  };
  const [, all] = await from("0");
  const count = all.length - 1;
  assertMatch(all[1] ?? "", /^id: 1\n/);
  const [, rest] = await from(String(count - 2));
  assertEquals(rest.slice(1).map((text) => text.split("\n")[0]), [
    `id: ${count - 1}`,
    `id: ${count}`,
  ]);
  assertEquals(await from(String(count)), [204, []]);
});

Deno.test("PATCH changes a run that goes on; what cannot be is a problem", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const { id } = await created(ask, { prompt: "a", frames: 0, options: { "paint.wait": 5 } });
  await until(() => fake.studio.find(id)!.frames > 0, "there are pictures");
  const patch = (json: unknown) => ask(`/api/runs/${id}`, { method: "PATCH", json });
  assertEquals((await (await patch({ prompt: "b" })).json()).prompt, "b");
  assertEquals((await (await patch({ action: "pause" })).json()).paused, true);
  assertEquals((await problem(await patch({}), 422)).errors, [
    { field: "", message: "Expected a prompt, an action or both." },
  ]);
  await problem(await patch({ action: "explode" }), 422);
  await (await patch({ action: "stop" })).body?.cancel();
  await fake.studio.running(id)?.ended;
  const late = await problem(await patch({ action: "stop" }), 409);
  assertEquals(late.detail, "The run is over (finished): start another one.");
});

Deno.test("POST /api/runs names each field that is wrong", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const fields = async (json: unknown) => {
    const { errors = [] } = await problem(await ask("/api/runs", { method: "POST", json }), 422);
    return Object.fromEntries(errors.map(({ field, message }) => [field, message]));
  };
  assertEquals(Object.keys(await fields({})), ["prompt"]);
  assertEquals(await fields({ prompt: " " }), {
    prompt: "Say what to show, such as: a red ball bounces on a green floor.",
  });
  assertEquals(Object.keys(await fields({ prompt: "a".repeat(20_001), seed: -1, extra: 1 })), [
    "prompt",
    "seed",
    "extra",
  ]);
  assertEquals(await fields({ prompt: "a", pipeline: "fak" }), {
    pipeline: 'There is no pipeline of this name. Did you mean "fake"? Known: fake.',
  });
  assertStringIncludes(
    (await fields({ prompt: "a", frames: 10 })).frames ?? "",
    "Nearest: 9 or 21",
  );
  const options = await fields({
    prompt: "a",
    options: {
      "paint.wate": 1,
      "pant.wait": 1,
      "paint.profile": "/tmp/x",
      "paint.weights": "/etc/passwd",
      "paint.sizes.dim": 8,
      "encode-video.path": "/tmp/x.mp4",
      "paint.constructor": 1,
    },
  });
  const typed = await fields({ prompt: "a", options: { "paint.latent-frames": "many" } });
  assertStringIncludes(typed["options.paint.latent-frames"] ?? "", "expected a number");
  assertStringIncludes(options["options.paint.wate"] ?? "", 'Did you mean "wait"?');
  assertStringIncludes(options["options.pant.wait"] ?? "", 'Did you mean "paint"?');
  assertStringIncludes(options["options.paint.constructor"] ?? "", "there is no such option");
  for (
    const guarded of ["paint.profile", "paint.weights", "paint.sizes.dim", "encode-video.path"]
  ) {
    assertStringIncludes(options[`options.${guarded}`] ?? "", "cannot be set", guarded);
  }
  assertEquals(fake.studio.list().runs, []);
});

Deno.test("bodies are bounded, typed, and JSON", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const post = (body: BodyInit, type = "application/json", headers = {}) =>
    ask("/api/runs", { method: "POST", body, headers: { "content-type": type, ...headers } });
  await problem(await post("{", "application/json; charset=utf-8"), 400);
  await problem(await post(new Uint8Array([0x22, 0xff, 0x22])), 400);
  await problem(await post("a=1", "application/x-www-form-urlencoded"), 415);
  await problem(await post('{"prompt":"a"}', "text/plain"), 415);
  await problem(await post(JSON.stringify({ prompt: "a".repeat(65_536) })), 413);
  await problem(await post("[".repeat(30_000) + "]".repeat(30_000)), 400);
  // One that never ends, and does not say how long it is.
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1024;
      controller.enqueue(new Uint8Array(1024).fill(0x20));
    },
  });
  await problem(await post(endless), 413);
  assert(sent < 200_000, `${sent} bytes were read`);
});

Deno.test("pipelines are listed, checked and saved, and none reaches past its folder", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const { pipelines } = await (await ask("/api/pipelines")).json() as { pipelines: PipelineView[] };
  const [first] = pipelines;
  assertEquals(pipelines.length, 1);
  assertEquals([first?.name, first?.default, first?.frames, first?.fps], ["fake", true, 33, 16]);
  assertEquals(first?.stages.map(({ plugin, takes, gives }) => [plugin, takes, gives]), [
    ["extend-prompt", "prompt", "prompt"],
    ["paint", "prompt", "frames"],
    ["encode-video", "frames", "media"],
  ]);
  const validate = async (yaml: string) =>
    await (await ask("/api/pipelines/validate", { method: "POST", json: { yaml } })).json();
  const fine = first!.yaml;
  assertEquals((await validate(fine)).ok, true);
  const [wrong] = (await validate(fine.replace("wait: 0", "wate: 0"))).problems;
  assertEquals([wrong.line, wrong.column, wrong.key], [6, 13, "stages[1].with.wate"]);
  assertMatch(wrong.message, /^there is no such option\. Did you mean "wait"\?/);
  const kinds =
    (await validate("name: a\nstages:\n  - use: encode-video\n  - use: paint\n")).problems;
  assertEquals([kinds[0].line, kinds[0].key], [4, "stages[1].use"]);
  assertEquals((await validate("name: [")).ok, false);

  // Code and files that a page must not reach.
  const spy = join(fake.folder, "spy.ts");
  await Deno.writeTextFile(spy, `Deno.writeTextFileSync(${JSON.stringify(`${spy}.ran`)}, "");`);
  for (
    const use of [spy, `file://${spy}`, "../spy.ts", "data:text/javascript,1", "https://evil.com/x"]
  ) {
    const { ok, problems } = await validate(`name: a\nstages:\n  - use: ${JSON.stringify(use)}\n`);
    assertEquals([ok, problems.length], [false, 1], use);
  }
  assertEquals(
    (await validate(fine.replace("wait: 0", "profile: /tmp/x"))).problems[0].key,
    "stages[1].with.profile",
  );

  const put = (name: string, yaml: string) =>
    ask(`/api/pipelines/${name}`, { method: "PUT", json: { yaml } });
  const saved = await put("mine", fine);
  assertEquals([saved.status, (await saved.json()).name], [200, "mine"]);
  const mine = async () => {
    const view: PipelineView = await (await ask("/api/pipelines/mine")).json();
    return [view.yaml, view.builtIn];
  };
  assertEquals(await mine(), [fine, false]);
  const other = fine.replace("Grey", "Greyer");
  assertEquals((await (await put("mine", other)).json()).description, "Greyer pictures");
  await problem(await put("mine", "name: ["), 422);
  assertEquals(await mine(), [other, false]);
  assertStringIncludes(
    (await problem(await put("fake", fine), 422)).detail ?? "",
    '"fake" was not saved from here',
  );
  for (const name of ["..%2fx", "A", "a.b", "a%00", "x".repeat(65), "%2e%2e"]) {
    const response = await put(name, fine);
    assert(response.status === 422 || response.status === 404, `${name}: ${response.status}`);
  }
  const files = [...Deno.readDirSync(fake.configs)].map(({ name }) => name).sort();
  assertEquals(files, ["fake.yaml", "mine.yaml"]);
  const used = await created(ask, { prompt: "a", pipeline: "mine" });
  assertEquals(used.pipeline, "mine");
  await problem(await ask("/api/pipelines/none"), 404);
});

Deno.test("plugins come with schemas, prompts are extended, health is told", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const { plugins } = await (await ask("/api/plugins")).json();
  const paint = plugins.find(({ name }: { name: string }) => name === "paint");
  assertEquals(paint.options.properties["latent-frames"].default, 9);
  assertEquals([paint.takes, paint.gives], ["prompt", "frames"]);
  const extended = await ask("/api/extend", { method: "POST", json: { prompt: "a ball" } });
  assertEquals(await extended.json(), { text: "a ball" });
  await untilReady(fake.studio);
  assertEquals((await ask("/api/health/live")).status, 200);
  assertEquals(await (await ask("/api/health/ready")).json(), {
    status: "ok",
    queued: 0,
    busy: false,
  });
});

Deno.test("GET /api/openapi.json describes every route, and its schemas hold", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const document = await (await ask("/api/openapi.json")).json();
  assertEquals(document.openapi, "3.1.0");
  assertEquals(Object.keys(document.paths).length, 19);
  const body = document.paths["/api/runs"].post.requestBody.content["application/json"].schema;
  assertEquals([body.required, body.additionalProperties], [["prompt"], false]);
  assertEquals(body.properties.prompt.maxLength, 20_000);
  const names = new Set<string>();
  for (const path of Object.values<Record<string, { operationId: string }>>(document.paths)) {
    for (const { operationId } of Object.values(path)) names.add(operationId);
  }
  assertEquals(names.size, 24);
  const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  for (const [, name = ""] of references) assert(name in document.components.schemas, name);
});

Deno.test("/v1/videos speaks as OpenAI's video API does", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const response = await ask("/v1/videos", {
    method: "POST",
    json: { prompt: "grey", model: "fake", seconds: "2" },
  });
  assertEquals(response.status, 200);
  const { id, object, model, seconds } = await response.json();
  // 33 pictures at 16 a second are the whole chunks nearest to two seconds.
  assertEquals([object, model, seconds], ["video", "fake", "2"]);
  await fake.studio.running(id)!.ended;
  const video = await (await ask(`/v1/videos/${id}`)).json();
  assertEquals([video.status, video.progress, video.size, video.error], [
    "completed",
    100,
    "48x32",
    null,
  ]);
  assertEquals(fake.studio.find(id)?.frames, 33);
  const content = await ask(`/v1/videos/${id}/content`);
  assertEquals((await content.bytes()).length, fake.studio.find(id)?.bytes);
  await problem(await ask("/v1/videos/none"), 404);
});

Deno.test("POST /api/pipelines/validate knows names that every object has as unknown ones", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  for (const name of ["constructor", "toString", "__proto__"]) {
    for (const value of ["1", "[1]", "{ a: [1] }"]) {
      const yaml = `name: a\nstages:\n  - use: paint\n    with: { ${name}: ${value} }\n`;
      const response = await ask("/api/pipelines/validate", { method: "POST", json: { yaml } });
      const { ok, problems } = await response.json();
      assertEquals([response.status, ok, problems[0]?.line], [200, false, 4], yaml);
      assertStringIncludes(problems[0].message, "there is no such option");
    }
  }
});
