import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  type CreateContext,
  definePlugin,
  pipe,
  StageError,
  UserError,
} from "../../pipeline/mod.ts";
import { counting, mapping, sleep, stageOf } from "./_numbers.ts";

/** A stage that copies numbers and is made by `create`. */
function making(
  name: string,
  create: (context: CreateContext) => void | Promise<void>,
  log: string[],
) {
  return definePlugin({
    name,
    summary: "Copies numbers",
    takes: "number",
    gives: "number",
    options: z.object({}),
    async create(_, context) {
      await create(context);
      log.push(`${name} made`);
      return stageOf(
        name,
        "number",
        "number",
        (input) => input,
        () => void log.push(`${name} freed`),
      );
    },
  })();
}

Deno.test("open() makes all stages at the same time", async () => {
  const log: string[] = [];
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const wait = (mine: 0 | 1) => () => {
    both[mine].resolve();
    return both[mine === 0 ? 1 : 0].promise;
  };
  await using open = await pipe(making("a", wait(0), log), making("b", wait(1), log)).open();
  assertEquals(open.loading.map(({ stage }) => stage), ["a", "b"]);
  assert(open.loading.every(({ seconds }) => seconds >= 0 && seconds < 10));
});

Deno.test("open() tells stages where and with what they run", async () => {
  const seen: unknown[] = [];
  const warnings: string[] = [];
  const pipeline = pipe(making("a", ({ device, threads, directory, warn }) => {
    seen.push(device, threads, directory);
    warn("slow disk");
  }, []));
  await using _ = await pipeline.open({
    device: "cuda:1",
    threads: 3,
    directory: "/models",
    warn: (message) => warnings.push(message),
  });
  await using __ = await pipeline.open();
  assertEquals(seen, ["cuda:1", 3, "/models", "cpu", navigator.hardwareConcurrency, Deno.cwd()]);
  assertEquals(warnings, ["slow disk"]);
});

Deno.test("open() frees the other stages when one cannot be made", async () => {
  const log: string[] = [];
  const cause = new Error("out of memory");
  const pipeline = pipe(
    making("a", () => {}, log),
    making("b", async () => {
      await sleep(2);
      throw cause;
    }, log),
    making("c", ({ signal }) => sleep(10_000, signal), log),
    making("d", () => sleep(20), log),
  );
  const error = await assertRejects(
    () => pipeline.open(),
    StageError,
    `The stage "b" failed: out of memory`,
  );
  assertEquals(error.cause, cause);
  assertEquals(log, ["a made", "d made", "d freed", "a freed"]);
});

Deno.test("open() keeps a user's mistake one, with the stage's name", async () => {
  const pipeline = pipe(making("decode", () => {
    throw new UserError("there is no network mega.");
  }, []));
  await assertRejects(() => pipeline.open(), UserError, "decode: there is no network mega.");
});

Deno.test("open() refuses what is no stage", async () => {
  const plugin = definePlugin({
    name: "hollow",
    summary: "Makes nothing",
    takes: "number",
    gives: "number",
    options: z.object({}),
    create: () => ({}) as never,
  });
  await assertRejects(
    () => pipe(plugin()).open(),
    StageError,
    "expected an object with process and asyncDispose",
  );
});

Deno.test("open() gives up with its signal's reason and frees what was made", async () => {
  const log: string[] = [];
  const control = new AbortController();
  const pipeline = pipe(
    making("a", () => {}, log),
    making("b", ({ signal }) => sleep(10_000, signal), log),
  );
  const opening = pipeline.open({ signal: control.signal });
  await sleep(2);
  control.abort(new Error("changed my mind"));
  await assertRejects(() => opening, Error, "changed my mind");
  assertEquals(log, ["a made", "a freed"]);
  await assertRejects(() => pipeline.open({ signal: control.signal }), Error, "changed my mind");
});

Deno.test("an open pipeline frees its stages last to first, once, after ending its run", async () => {
  const log: string[] = [];
  const open = await pipe(counting(9, log, "a"), mapping("b", (n) => n, log)).open();
  const run = open.run(1, { readAhead: 0 });
  await run.next();
  await Promise.all([open[Symbol.asyncDispose](), open[Symbol.asyncDispose]()]);
  await open[Symbol.asyncDispose]();
  assertEquals(log.slice(0, 2), ["a 1", "b 1"]);
  assertEquals(log.slice(2, 4).sort(), ["a cleaned", "b cleaned"]);
  assertEquals(log.slice(4), ["b freed", "a freed"]);
  await assertRejects(() => run.next(), DOMException, "The run was closed.");
  assertThrows(() => open.run(1), Error, "A closed pipeline cannot run: open it again.");
});

Deno.test("an open pipeline makes one run at a time", async () => {
  await using open = await pipe(counting(2)).open();
  const first = open.run(1);
  await first.next();
  assertThrows(() => open.run(1), Error, "A pipeline makes one run at a time");
  await first.return();
  assertEquals(await Array.fromAsync(open.run(5)), [5, 6]);
});

Deno.test("a run begins when the one before it has cleaned up", async () => {
  const log: string[] = [];
  const held = Promise.withResolvers<void>();
  const stage = mapping("stage", async (n) => {
    if (n === 1) await held.promise;
    return n;
  }, log);
  await using open = await pipe(stage).open();
  const control = new AbortController();
  const first = open.run(1, { signal: control.signal });
  const next = first.next();
  await sleep(1);
  control.abort(new Error("enough"));
  await assertRejects(() => next, Error, "enough");
  const second = Array.fromAsync(open.run(2));
  await sleep(2);
  assertEquals(log, []);
  held.resolve();
  assertEquals(await second, [2]);
  assertEquals(log, ["stage 1", "stage cleaned", "stage 2", "stage cleaned"]);
});

Deno.test("run() refuses a read-ahead that is no count", async () => {
  await using open = await pipe(counting(2)).open();
  for (const readAhead of [-1, 0.5, NaN, Infinity]) {
    assertThrows(
      () => open.run(1, { readAhead }),
      RangeError,
      `readAhead: expected a whole number of at least 0, got ${readAhead}.`,
    );
  }
});

Deno.test("an open pipeline that is forgotten complains through warn", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const warnings: string[] = [];
  await (async () => {
    await pipe(counting(1), mapping("b", (n) => n)).open({
      warn: (message) => warnings.push(message),
    });
  })();
  for (let i = 0; i < 100 && warnings.length === 0; i++) {
    collect();
    await sleep(5);
  }
  assertEquals(warnings, [
    'A pipeline (count, b) was never closed: open it with "await using", or dispose of it.',
  ]);
});
