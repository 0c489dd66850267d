/** The studio with the model that lives in this repository. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { plugins } from "../../mod.ts";
import { Catalogue } from "../../server/catalogue.ts";
import { planRun } from "../../server/plan.ts";
import { ProblemError } from "../../server/problem.ts";
import { Studio } from "../../server/studio.ts";
import type { CreateRun } from "../../server/wire.ts";
import { apiOf, until, untilReady } from "./_fakes.ts";

const CONFIGS = new URL("../../configs/", import.meta.url).pathname;

Deno.test("Studio streams the embedded model's video while it makes it, and the next run at once", async () => {
  const gallery = await Deno.makeTempDir();
  await using studio = await Studio.open({ gallery });
  const ask = await apiOf(studio);
  assertEquals((await ask("/api/health/ready")).status, 503);
  await untilReady(studio);
  const first: Uint8Array[] = [];
  for (let i = 0; i < 2; i++) {
    const response = await ask("/api/runs", {
      method: "POST",
      json: { prompt: "a red ball bounces on a green floor", seed: 5, frames: 33 },
    });
    const { id } = await response.json();
    const run = studio.running(id)!;
    const reader = (await ask(`/api/runs/${id}/stream`)).body!.getReader();
    const init = await reader.read();
    const segment = await reader.read();
    assert(!init.done && !segment.done);
    // The first pictures are here before the run has ended.
    assertEquals(run.state, "streaming");
    const rest: Uint8Array[] = [];
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      rest.push(part.value);
    }
    assertEquals(rest.length, 2);
    await run.ended;
    const view = studio.find(id)!;
    assertEquals([view.state, view.frames, view.width, view.height], ["finished", 33, 128, 128]);
    first.push(segment.value!);
  }
  // The same seed gives the same pictures, whichever run it is.
  assertEquals(first[0], first[1]);
});

Deno.test("Studio gives the embedded model another prompt from the next chunk on", async () => {
  const gallery = await Deno.makeTempDir();
  await using studio = await Studio.open({ gallery });
  const { id } = await studio.create({ prompt: "a red ball bounces on a green floor", frames: 0 });
  const run = studio.running(id)!;
  await until(() => studio.find(id)!.frames > 0, "there are pictures");
  studio.patch(id, { prompt: "a blue square moves left" });
  const told: string[] = [];
  for await (const { event } of run.log.listen(0)) {
    if (event.type !== "prompt" || event.stage !== "diffuse") continue;
    told.push(event.text);
    if (event.chunk > 0) break;
  }
  assert(told.at(-1)?.includes("blue square"), told.join(" / "));
  studio.patch(id, { action: "stop" });
  await run.ended;
  const view = studio.find(id)!;
  assertEquals([view.state, view.stopped, view.prompts.length], ["finished", true, 2]);
});

Deno.test("planRun() puts a request into a pipeline", async () => {
  const catalogue = new Catalogue(CONFIGS, plugins, "embedded");
  const plan = async (request: Partial<CreateRun>) =>
    planRun(await catalogue.load(request.pipeline), { prompt: "a", ...request });
  const plain = await plan({ seed: 4 });
  assertEquals([plain.pipeline, plain.seed, plain.fps, plain.endless], ["embedded", 4, 16, false]);
  assertEquals([plain.framesTotal, plain.chunksTotal], [81, 7]);
  const last = plain.stages.at(-1)!.options as Record<string, unknown>;
  assertEquals([last.container, last.codec, last.path], ["mp4", "h264", undefined]);
  const endless = await plan({ frames: 0 });
  assertEquals([endless.endless, endless.framesTotal, endless.chunksTotal], [true, null, null]);
  const extended = await plan({ extend: false });
  assertEquals((extended.stages[0]!.options as { provider: string }).provider, "none");
  const two = await plan({ options: { "diffuse.steps": [1000, 500], "2.shift": 3 } });
  const diffuse = two.stages[2]!.options as { steps: number[]; shift: number };
  assertEquals([diffuse.steps, diffuse.shift], [[1000, 500], 3]);
  assert(two.config.includes("steps: [ 1000, 500 ]"), two.config);
  const cases: [Partial<CreateRun>, string][] = [
    [{ options: { "diffuse.steps": [500, 1000] } }, "options.diffuse.steps"],
    [{ options: { "diffuse.height": 100 } }, "options.diffuse.height"],
    [{ options: { "diffuse.height": 4096 } }, "options.diffuse.height"],
    [
      { options: { "extend-prompt.endpoint": "http://evil.com" } },
      "options.extend-prompt.endpoint",
    ],
    [{ options: { "extend-prompt.api-key-env": "HOME" } }, "options.extend-prompt.api-key-env"],
    [{ frames: 80 }, "frames"],
  ];
  for (const [request, field] of cases) {
    const config = await catalogue.load();
    const refused = assertThrows(() => planRun(config, { prompt: "a", ...request }), ProblemError);
    assertEquals([refused.status, refused.errors?.[0]?.field], [422, field]);
  }
});
