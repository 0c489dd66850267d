import { assert, assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { definePlugin, type OpenEvent, pipe, StageError } from "../../pipeline/mod.ts";
import { sleep, stageOf } from "./_numbers.ts";

/** A stage that reports a hundred times of one work, then twice of another. */
function slow(name: string, pause = 0) {
  return definePlugin({
    name,
    summary: "Takes long to make",
    takes: "number",
    gives: "number",
    options: z.object({}),
    async create(_, { report }) {
      for (let done = 1; done <= 100; done++) report?.({ work: "checking", done, total: 100 });
      report?.({ work: "loading", done: 0, total: 0 });
      if (pause > 0) await sleep(pause);
      report?.({ work: "loading", done: 0, total: 0 });
      return stageOf(name, "number", "number", (input) => input);
    },
  })();
}

Deno.test("open() tells how far stages are, each work's beginning and end, and between them not too often", async () => {
  const events: OpenEvent[] = [];
  const onEvent = (event: OpenEvent) => void events.push(event);
  await using _ = await pipe(slow("a"), slow("b", 150)).open({ onEvent });
  const told = (stage: string) =>
    events.filter((event) => event.stage === stage).map((event) =>
      event.type === "loading" ? `${event.work} ${event.done}/${event.total}` : event.type
    );
  const few = told("a").filter((line) => !/checking ([2-9]|\d\d)\//.test(line));
  assertEquals(few, ["checking 1/100", "checking 100/100", "loading 0/0", "loaded"]);
  assert(told("a").length < 20, told("a").join());
  // What is repeated after a while is told again: that it goes on.
  assertEquals(told("b").slice(-3), ["loading 0/0", "loading 0/0", "loaded"]);
  const times = events.map(({ at }) => at);
  assertEquals(times, times.toSorted((a, b) => a - b));
  assert(times.at(-1)! >= 0.14 && times.at(-1)! < 10, `${times}`);
});

Deno.test("open() without a listener gives stages nobody to report to", async () => {
  await using open = await pipe(slow("a")).open();
  assertEquals(open.loading.length, 1);
});

Deno.test("open() fails with what its listener throws", async () => {
  const onEvent = () => {
    throw new Error("the screen is gone");
  };
  await assertRejects(() => pipe(slow("a")).open({ onEvent }), StageError, "the screen is gone");
});
