import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { definePlugin } from "../../pipeline/mod.ts";
import { Engine } from "../../server/engine.ts";
import type { Plan } from "../../server/plan.ts";
import { ProblemError } from "../../server/problem.ts";
import { StageCache } from "../../server/stage_cache.ts";
import { stageOf } from "../pipeline/_numbers.ts";

Deno.test("Engine.check() says what takes so long while the model is loaded", async () => {
  const told = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const waits = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const plugin = definePlugin({
    name: "slow",
    summary: "Takes long to make",
    takes: "number",
    gives: "number",
    options: z.object({}),
    async create(_, { report }) {
      report?.({ work: "checking weights", done: 1, total: 3 });
      told[0].resolve();
      await waits[0].promise;
      report?.({ work: "onto the device", done: 0, total: 0 });
      told[1].resolve();
      await waits[1].promise;
      return stageOf("slow", "number", "number", (input) => input);
    },
  });
  await using stages = new StageCache();
  const engine = new Engine({ stages, directory: ".", warn: () => {} } as never);
  const control = new AbortController();
  const loading = engine.load({ stages: [plugin()] } as unknown as Plan, control.signal);
  const said = () => assertThrows(() => engine.check(), ProblemError).message;
  await told[0].promise;
  assertEquals(
    said(),
    "The model is being loaded (slow: checking weights 33%): ask again in a moment.",
  );
  waits[0].resolve();
  await told[1].promise;
  assertEquals(
    said(),
    "The model is being loaded (slow: onto the device): ask again in a moment.",
  );
  control.abort();
  waits[1].resolve();
  await loading;
  assertEquals(said(), "The model is being loaded: ask again in a moment.");
});
