import { assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { definePlugin } from "../../pipeline/define.ts";
import { joinStages } from "../../pipeline/pipe.ts";
import { StageCache } from "../../server/stage_cache.ts";

/** A plugin that tells what becomes of its stages. */
function watched(name: string) {
  const told: string[] = [];
  const plugin = definePlugin({
    name,
    summary: "",
    takes: "prompt",
    gives: "prompt",
    options: z.object({ size: z.number().default(1) }),
    create({ size }, { device }) {
      told.push(`+${size}@${device}`);
      if (size === 13) throw new Error("unlucky");
      return {
        name,
        takes: "prompt" as const,
        gives: "prompt" as const,
        async *process(input) {
          yield* input;
        },
        [Symbol.asyncDispose]: () => Promise.resolve(void told.push(`-${size}@${device}`)),
      };
    },
  });
  return { plugin, told };
}

Deno.test("StageCache.lend() gives a stage back to whoever has the same options and device", async () => {
  await using cache = new StageCache(2);
  const { plugin, told } = watched("a");
  const use = async (size: number, device = "cpu") => {
    const open = await joinStages(cache.lend([plugin({ size })], () => false)).open({ device });
    for await (const datum of open.run({ text: `${size}` })) {
      assertEquals(datum, { text: `${size}` });
    }
    await open[Symbol.asyncDispose]();
  };
  await use(1);
  await use(1);
  assertEquals(told, ["+1@cpu"]);
  await use(1, "webgpu");
  await use(1);
  assertEquals([told, cache.size], [["+1@cpu", "+1@webgpu"], 2]);
  // The third is one too many: the one that was unused for longest goes.
  await use(2);
  assertEquals(told, ["+1@cpu", "+1@webgpu", "+2@cpu", "-1@webgpu"]);
  await cache[Symbol.asyncDispose]();
  assertEquals(told.slice(4).sort(), ["-1@cpu", "-2@cpu"]);
});

Deno.test("StageCache.lend() counts each plugin for itself, and lends no stage twice at a time", async () => {
  const cache = new StageCache(1);
  const [a, b] = [watched("a"), watched("b")];
  const specs = [a.plugin(), b.plugin(), a.plugin()];
  const open = await joinStages(cache.lend(specs, () => false)).open();
  assertEquals([a.told.length, b.told.length], [2, 1]);
  await open[Symbol.asyncDispose]();
  assertEquals([a.told.length, b.told.length, cache.size], [3, 1, 2]);
  await cache[Symbol.asyncDispose]();
  assertEquals([a.told.length, b.told.length], [4, 2]);
});

Deno.test("StageCache.lend() frees stages that are spoilt, and keeps those beside one that failed", async () => {
  const cache = new StageCache();
  const [a, b] = [watched("a"), watched("b")];
  let spoilt = false;
  const open = await joinStages(cache.lend([a.plugin()], () => spoilt)).open();
  spoilt = true;
  await open[Symbol.asyncDispose]();
  assertEquals([a.told, cache.size], [["+1@cpu", "-1@cpu"], 0]);
  const failing = joinStages(cache.lend([a.plugin(), b.plugin({ size: 13 })], () => false));
  await assertRejects(() => failing.open(), Error, "unlucky");
  assertEquals([a.told.length, cache.size], [3, 1]);
  await cache[Symbol.asyncDispose]();
  assertEquals(a.told.length, 4);
});
