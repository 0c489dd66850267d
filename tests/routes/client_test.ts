import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ApiError, GoneError, StudioClient } from "../../routes/(_studio)/client.ts";
import { runWith } from "./_run.ts";

function answering(...answers: (Response | Error)[]) {
  const asked: [method: string, path: string, body: unknown][] = [];
  const client = new StudioClient((path, init) => {
    const body = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
    asked.push([init?.method ?? "GET", path, body]);
    const answer = answers.shift()!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return { client, asked };
}

const problem = (status: number, rest: object = {}) =>
  Response.json({ type: "/problems/x", title: "Fields are wrong", status, ...rest }, { status });

Deno.test("StudioClient sends JSON to the API's addresses", async () => {
  const { client, asked } = answering(
    Response.json(runWith()),
    Response.json({ runs: [] }),
    Response.json({ ok: true, problems: [] }),
  );
  await client.createRun({ prompt: "a", seed: 1 });
  await client.listRuns({ limit: 3, before: "0a" });
  await client.validate("name: x", new AbortController().signal);
  assertEquals(asked, [
    ["POST", "/api/runs", { prompt: "a", seed: 1 }],
    ["GET", "/api/runs?limit=3&before=0a", undefined],
    ["POST", "/api/pipelines/validate", { yaml: "name: x" }],
  ]);
});

Deno.test("StudioClient gives problems with their fields", async () => {
  const errors = [{ field: "seed", message: "Expected a whole number." }];
  const { client } = answering(problem(422, { detail: "seed: Expected …", errors }));
  const error = await assertRejects(() => client.createRun({ prompt: "a" }), ApiError);
  assertInstanceOf(error, ApiError);
  assertEquals([error.message, error.status, error.fields], ["seed: Expected …", 422, errors]);
});

Deno.test("StudioClient says what it knows where an answer is no problem in JSON", async () => {
  const { client } = answering(new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  const error = await assertRejects(() => client.ready(), ApiError);
  assertEquals(error.message, "The studio answered 502 Bad Gateway.");
});

Deno.test("StudioClient tells a server that is gone from one that refuses", async () => {
  const { client } = answering(new TypeError("fetch failed"), problem(404), problem(404));
  await assertRejects(() => client.findRun("0a"), GoneError, "The studio does not answer.");
  assertEquals(await client.findRun("0a"), undefined);
  assertEquals(await client.deleteRun("0a"), undefined);
});

Deno.test("StudioClient lets an abort be an abort", async () => {
  const { client } = answering(new DOMException("aborted", "AbortError"));
  await assertRejects(() => client.ready(), DOMException, "aborted");
});
