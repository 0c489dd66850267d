import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { planRun } from "../../server/plan.ts";
import { checkPlan } from "../../server/checks.ts";
import { loadConfig, parseConfig } from "../../pipeline/config.ts";
import { plugins } from "../../mod.ts";
import type { Problem, RunView } from "../../server/wire.ts";
import { ProblemError } from "../../server/problem.ts";
import { apiOf, type Ask, openFake, until, untilReady } from "./_fakes.ts";

/** A pipeline whose painter names a file as its weights. */
function pipeline(weights: string): string {
  return `name: heavy
stages:
  - use: paint
    with: { weights: ${JSON.stringify(weights)} }
  - use: encode-video
`;
}

async function refusal(ask: Ask, path: string, json: unknown): Promise<Problem> {
  const response = await ask(path, { method: "POST", json });
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  const problem: Problem = await response.json();
  assertEquals([response.status, problem.status], [409, 409]);
  return problem;
}

async function refusalOf(check: Promise<void>): Promise<string> {
  try {
    await check;
  } catch (error) {
    if (error instanceof ProblemError) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return "";
}

Deno.test("a run whose model is not here is refused with what to pull, until it is here", async () => {
  await using fake = await openFake();
  const ask = await apiOf(fake.studio);
  await untilReady(fake.studio);
  const weights = join(fake.folder, "models/taehv/taew2_1.pth");
  await Deno.writeTextFile(join(fake.configs, "heavy.yaml"), pipeline(`${weights}#ema`));
  const problem = await refusal(ask, "/api/runs", { prompt: "grey", pipeline: "heavy" });
  assertEquals([problem.type, problem.title], [
    "/problems/models-missing",
    "Files of a model are not here",
  ]);
  assertEquals(
    problem.detail,
    `The pipeline "heavy" needs ${weights}, which is not here. To get it: sluice models pull taew2.1`,
  );
  const other = await refusal(ask, "/v1/videos", { prompt: "grey", model: "heavy" });
  assertEquals(other.type, "/problems/models-missing");
  assertEquals([fake.studio.list().runs, fake.painted.created], [[], 1]);

  await Deno.mkdir(join(fake.folder, "models/taehv"), { recursive: true });
  await Deno.writeTextFile(weights, "");
  const response = await ask("/api/runs", {
    method: "POST",
    json: { prompt: "grey", pipeline: "heavy" },
  });
  const { id }: RunView = await response.json();
  await fake.studio.running(id)!.ended;
  assertEquals(fake.studio.find(id)?.state, "finished");
});

Deno.test("a run that does not fit into memory is refused with what to change", async () => {
  await using fake = await openFake({ memory: 4e9 });
  const ask = await apiOf(fake.studio);
  await Deno.writeTextFile(join(fake.configs, "heavy.yaml"), pipeline("/some/weights.pt"));
  const problem = await refusal(ask, "/api/runs", { prompt: "grey", pipeline: "heavy" });
  assertEquals(problem.type, "/problems/too-little-memory");
  assertMatch(
    problem.detail!,
    /^The pipeline "heavy" does not fit into this machine: it needs about 5\.25 GB of memory and there are 4\.00 GB\./,
  );
  assertStringIncludes(problem.detail!, "sluice doctor --config heavy.");
  assertStringIncludes(problem.detail!, "start the studio anew with --overcommit.");
  // The studio's own pipeline fits.
  const fine = await ask("/api/runs", { method: "POST", json: { prompt: "grey" } });
  assertEquals(fine.status, 201);
});

for (const more of [{ memory: 4e9, overcommit: true }, { memory: 6e9 }]) {
  Deno.test(`a run begins where ${JSON.stringify(more)} lets it`, async () => {
    await using fake = await openFake(more);
    const ask = await apiOf(fake.studio);
    await Deno.writeTextFile(join(fake.configs, "heavy.yaml"), pipeline("/some/weights.pt"));
    const json = { prompt: "grey", pipeline: "heavy" };
    assertEquals((await ask("/api/runs", { method: "POST", json })).status, 201);
  });
}

Deno.test("a studio whose own model is not here says what to pull, and goes on", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-studio-" });
  const weights = join(folder, "models/taehv/taew2_1.pth");
  await using fake = await openFake({}, folder, pipeline(weights));
  const ask = await apiOf(fake.studio);
  await until(() => fake.warnings.length > 0, "the model is looked for");
  const response = await ask("/api/health/ready");
  const { detail }: Problem = await response.json();
  assertEquals(response.status, 503);
  assertEquals(
    detail,
    `The model cannot be used: The pipeline "fake" needs ${weights}, which is not here. ` +
      "To get it: sluice models pull taew2.1",
  );
  assertEquals(fake.painted.created, 0);
  // Once the file is here the next run finds it: the studio need not be started anew.
  await Deno.mkdir(join(folder, "models/taehv"), { recursive: true });
  await Deno.writeTextFile(weights, "");
  const made = await ask("/api/runs", { method: "POST", json: { prompt: "grey" } });
  const { id }: RunView = await made.json();
  await fake.studio.running(id)!.ended;
  assertEquals(fake.studio.find(id)?.state, "finished");
  await untilReady(fake.studio);
});

Deno.test("checkPlan() tells the ways out of a published pipeline as options of a run", async () => {
  const path = new URL("../../configs/self_forcing_dmd_vae.yaml", import.meta.url).pathname;
  const config = await loadConfig(path, { plugins });
  const directory = await Deno.makeTempDir();
  try {
    for (const { spec } of config.stages) {
      const { weights, tokenizer } = spec.options as Record<string, string | undefined>;
      for (const file of [weights, tokenizer]) {
        if (file === undefined) continue;
        const full = join(directory, file.replace(/#.*/, ""));
        await Deno.mkdir(join(full, ".."), { recursive: true });
        await Deno.writeTextFile(full, "");
      }
    }
    const machine = { device: undefined, directory, memory: 32e9, overcommit: false };
    const told = async (options: Record<string, unknown>, more = {}) =>
      await refusalOf(
        checkPlan(planRun(config, { prompt: "a", options }), { ...machine, ...more }),
      );
    const said = await told({});
    assertStringIncludes(said, "too-little-memory: The pipeline ");
    assertStringIncludes(said, "(diffuse.window=9 saves ");
    assertStringIncludes(said, "another device for a stage (<stage>.device=…)");
    assertEquals(said.includes("--set"), false);
    // What a request changes is reckoned with, as is where the studio computes.
    assertEquals(
      await told({ "diffuse.window": 3, "diffuse.width": 128, "diffuse.height": 128 }, {
        memory: 64e9,
      }),
      "",
    );
    assertEquals(await told({}, { device: "cuda:0", memory: 16e9 }), "");
    assertStringIncludes(
      await told({}, { directory: "/nowhere" }),
      "models-missing: The pipeline ",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("checkPlan() wants the files of what encodes an opening only where there is one", async () => {
  const text = "name: own\nstages:\n  - use: encode-text\n  - use: encode-picture\n" +
    "    with: { network: taew2.1, weights: models/taehv/taew2_1.pth }\n" +
    "  - use: diffuse\n  - use: decode\n  - use: encode-video\n";
  const config = await parseConfig(text, { plugins, file: "own.yaml" });
  const machine = { device: undefined, directory: "/nowhere", memory: 1, overcommit: true };
  const check = (kind?: "image") =>
    refusalOf(
      checkPlan(
        planRun(config, { prompt: "a" }, kind && { opening: { kind }, plugins }),
        machine,
      ),
    );
  assertEquals(await check(), "");
  assertStringIncludes(await check("image"), 'models-missing: The pipeline "own" needs ');
});
