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
  await using cache = new StageCache({ each: 2 });
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
  const cache = new StageCache({ each: 1 });
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

const GB = 1e9;

/** A plugin of a published model, whose stages hold as many gigabytes as their `size` on the device of that name. */
function heavy(name: string) {
  const { plugin: light, told } = watched(name);
  const plugin = definePlugin({
    name,
    summary: "",
    takes: "prompt",
    gives: "prompt",
    options: z.object({
      size: z.number(),
      weights: z.string().default("w.safetensors"),
      passing: z.number().default(0),
    }),
    create: ({ size }, context) => light.create({ size }, context),
    memory: ({ size, passing }) => ({
      parts: [
        { name: "weights", bytes: size * GB },
        { name: "way", bytes: passing * GB, device: "cpu", passing: true },
      ],
    }),
  });
  return { plugin, told };
}

/** Opens a pipeline of stages, and closes it again. */
async function once(
  cache: StageCache,
  specs: Parameters<StageCache["lend"]>[0],
  device = "cpu",
): Promise<void> {
  const open = await joinStages(cache.lend(specs, () => false)).open({ device });
  await open[Symbol.asyncDispose]();
}

Deno.test("StageCache.lend() frees what would not fit beside a stage before that is loaded", async () => {
  const cache = new StageCache({ memoryOf: () => Promise.resolve({ cpu: 10 * GB }) });
  const { plugin, told } = heavy("a");
  await once(cache, [plugin({ size: 4 })]);
  await once(cache, [plugin({ size: 5 })]);
  assertEquals(told, ["+4@cpu", "+5@cpu"], "both fit");
  await once(cache, [plugin({ size: 4 })]);
  assertEquals(told, ["+4@cpu", "+5@cpu"], "what is there needs no room");
  // 4 and 2 would fit, were 5 gone: it is the longest unused.
  await once(cache, [plugin({ size: 2 })]);
  assertEquals(told.slice(2), ["-5@cpu", "+2@cpu"]);
  await once(cache, [plugin({ size: 9 })]);
  assertEquals(told.slice(4), ["-4@cpu", "-2@cpu", "+9@cpu"]);
  await cache[Symbol.asyncDispose]();
});

Deno.test("StageCache.lend() counts what is held in passing for those that load, not for those that wait", async () => {
  const cache = new StageCache({ memoryOf: () => Promise.resolve({ cpu: 10 * GB }) });
  const { plugin, told } = heavy("a");
  await once(cache, [plugin({ size: 4, passing: 5 })]);
  await once(cache, [plugin({ size: 5 })]);
  assertEquals(told, ["+4@cpu", "+5@cpu"]);
  await once(cache, [plugin({ size: 3, passing: 5 })]);
  assertEquals(told.slice(2), ["-4@cpu", "-5@cpu", "+3@cpu"]);
  await cache[Symbol.asyncDispose]();
});

Deno.test("StageCache.lend() keeps one large stage of a plugin where a device's memory is not known", async () => {
  const asked: string[][] = [];
  const memoryOf = (devices: readonly string[]) => {
    asked.push([...devices].sort());
    return Promise.resolve({ cpu: 100 * GB });
  };
  const cache = new StageCache({ memoryOf });
  const [a, b] = [heavy("a"), heavy("b")];
  await once(cache, [a.plugin({ size: 3 }), b.plugin({ size: 0.5 })], "webgpu");
  await once(cache, [a.plugin({ size: 2 }), b.plugin({ size: 0.6 })], "webgpu");
  assertEquals(a.told, ["+3@webgpu", "-3@webgpu", "+2@webgpu"]);
  assertEquals(b.told, ["+0.5@webgpu", "+0.6@webgpu"]);
  assertEquals(asked, [["webgpu"]]);
  await cache[Symbol.asyncDispose]();
});

Deno.test("StageCache.lend() frees nothing for the embedded model, which loads at once", async () => {
  let asked = 0;
  const cache = new StageCache({
    memoryOf: () => {
      asked++;
      return Promise.resolve({ cpu: 10 * GB });
    },
  });
  const [large, small] = [heavy("a"), watched("b")];
  await once(cache, [large.plugin({ size: 11 })]);
  await once(cache, [small.plugin()]);
  await once(cache, [large.plugin({ size: 11 })]);
  assertEquals([large.told, small.told], [["+11@cpu"], ["+1@cpu"]]);
  assertEquals([asked, cache.size], [0, 2]);
  await cache[Symbol.asyncDispose]();
});
