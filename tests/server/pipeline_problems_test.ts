import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { PipelineView, Problem, ValidationView } from "../../server/wire.ts";
import { apiOf, openFake } from "./_fakes.ts";

const WRONG = `name: wrong
stages:
  - use: paint
    with:
      wate: 3
      chunk: 0
      profile: /tmp/x
  - use: encode-vidoe
  - use: encode-video
    with: { fps: 0 }
`;

/** What is wrong there, refusals of the studio's own among it: a refused stage is not looked into. */
const PROBLEMS = [
  [7, 16, "stages[0].with.profile", "This cannot be set from here"],
  [8, 10, "stages[1].use", 'there is no plugin "encode-vidoe". Did you mean "encode-video"?'],
  [10, 18, "stages[2].with.fps", "expected more than 0, got 0."],
] as const;

Deno.test("POST /api/pipelines/validate gives every problem with its line", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const validate = async (yaml: string): Promise<ValidationView> =>
    await (await ask("/api/pipelines/validate", { method: "POST", json: { yaml } })).json();
  const { ok, problems } = await validate(WRONG);
  assertEquals(ok, false);
  assertEquals(
    problems.map(({ line, column, key }) => [line, column, key]),
    PROBLEMS.map(([line, column, key]) => [line, column, key]),
  );
  for (const [i, [, , , words]] of PROBLEMS.entries()) {
    assertStringIncludes(problems[i]!.message, words);
  }
  const open = await validate(WRONG.replace("      profile: /tmp/x\n", ""));
  assertEquals(open.problems.map(({ line, key }) => [line, key]), [
    [5, "stages[0].with.wate"],
    [6, "stages[0].with.chunk"],
    [7, "stages[1].use"],
    [9, "stages[2].with.fps"],
  ]);
});

Deno.test("PUT /api/pipelines/:name answers with every problem of the text", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  const response = await ask("/api/pipelines/mine", { method: "PUT", json: { yaml: WRONG } });
  const problem: Problem = await response.json();
  assertEquals([response.status, problem.type], [422, "/problems/validation"]);
  assertEquals(
    problem.errors?.map(({ field, line, column, key }) => [field, line, column, key]),
    PROBLEMS.map(([line, column, key]) => ["yaml", line, column, key]),
  );
  assertStringIncludes(problem.detail!, "yaml: line 7: stages[0].with.profile: This cannot be set");
  assertStringIncludes(
    problem.detail!,
    "line 10: stages[2].with.fps: expected more than 0, got 0.",
  );
  assertEquals([...Deno.readDirSync(fake.configs)].map(({ name }) => name), ["fake.yaml"]);
});

Deno.test("a pipeline's file that is wrong is listed with its problems, and makes no run", async () => {
  await using fake = await openFake();
  await Deno.writeTextFile(join(fake.configs, "wrong.yaml"), WRONG);
  const ask = await apiOf(fake.studio);
  const view: PipelineView = await (await ask("/api/pipelines/wrong")).json();
  const places = [[5, "stages[0].with.wate"], [6, "stages[0].with.chunk"]];
  assertEquals(view.problems?.map(({ line, key }) => [line, key]), [
    ...places,
    [8, "stages[1].use"],
    [10, "stages[2].with.fps"],
  ]);
  assertStringIncludes(view.error!, "4 problems in ");
  const response = await ask("/api/runs", {
    method: "POST",
    json: { prompt: "grey", pipeline: "wrong" },
  });
  const problem: Problem = await response.json();
  assertEquals(response.status, 422);
  assertEquals(problem.errors?.slice(0, 2).map(({ field, line, key }) => [field, line, key]), [
    ["pipeline", ...places[0]!],
    ["pipeline", ...places[1]!],
  ]);
  assertStringIncludes(problem.detail!, "pipeline: line 5: stages[0].with.wate: there is no such");
  assertStringIncludes(problem.detail!, " And 1 more.");
});
