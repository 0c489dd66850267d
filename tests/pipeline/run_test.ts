import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Newest,
  pipe,
  type Pipeline,
  type Prompt,
  type RunEvent,
  type RunOptions,
} from "../../pipeline/mod.ts";
import { counting, mapping, sleep, specOf } from "./_numbers.ts";

/** Reads a whole run of a pipeline that is opened for it. */
async function read(
  pipeline: Pipeline<"number", "number">,
  input: number | AsyncIterable<number>,
  options: RunOptions = {},
) {
  await using open = await pipeline.open();
  return await Array.fromAsync(open.run(input, options));
}

Deno.test("run() gives the same numbers with any read-ahead", async () => {
  const pipeline = pipe(
    counting(5),
    mapping("double", (n) => n * 2),
    mapping("less", (n) => n - 1),
  );
  for (const readAhead of [0, 1, 2, 7]) {
    assertEquals(await read(pipeline, 10, { readAhead }), [19, 21, 23, 25, 27]);
  }
});

Deno.test("run() takes a stream and serves one run after another", async () => {
  await using open = await pipe(counting(2), mapping("double", (n) => n * 2)).open();
  async function* stream() {
    yield 1;
    await sleep(1);
    yield 10;
  }
  assertEquals(await Array.fromAsync(open.run(stream())), [2, 4, 20, 22]);
  assertEquals(await Array.fromAsync(open.run(5)), [10, 12]);
});

Deno.test("run() computes nothing before it is asked, and no more than the slots hold", async () => {
  for (const [readAhead, made] of [[0, 1], [1, 2], [3, 4]] as const) {
    const log: string[] = [];
    await using open = await pipe(counting(100, log), mapping("same", (n) => n)).open();
    const run = open.run(0, { readAhead });
    await sleep(5);
    assertEquals(log, []);
    await run.next();
    await sleep(20);
    assertEquals(log.filter((line) => line.startsWith("count ")).length, made);
    await run.return();
  }
});

Deno.test("run() lets a stage make its next chunk while the following one works", async () => {
  // Each chunk of the second stage ends only when the first stage has begun the next one.
  const begun = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
  begun[3]?.resolve();
  const first = mapping("first", (n) => {
    begun[n - 1]?.resolve();
    return n;
  });
  const second = mapping("second", async (n) => {
    await begun[n]?.promise;
    return n;
  });
  async function* input() {
    yield* [1, 2, 3];
  }
  assertEquals(await read(pipe(first, second), input()), [1, 2, 3]);
});

Deno.test("run() lets three stages work at the same time, each at a chunk of its own", async () => {
  // The last stage ends its chunk only when the two before it have begun those that follow: without read-ahead
  // nothing would ever end.
  const last = 10;
  const begun = new Map<string, PromiseWithResolvers<void>>();
  const beginning = (name: string, n: number) => {
    const key = `${name} ${n}`;
    const known = begun.get(key) ?? Promise.withResolvers<void>();
    begun.set(key, known);
    return known;
  };
  const stage = (name: string, ahead: readonly string[]) =>
    mapping(name, async (n) => {
      beginning(name, n).resolve();
      const awaited = ahead.map((other, i) => [other, n + i + 1] as const);
      await Promise.all(
        awaited.filter(([, n]) => n <= last).map(([other, n]) => beginning(other, n).promise),
      );
      return n;
    });
  async function* input() {
    for (let n = 1; n <= last; n++) yield n;
  }
  await using open = await pipe(stage("a", []), stage("b", ["a"]), stage("c", ["b", "a"])).open();
  const run = open.run(input());
  assertEquals(await Array.fromAsync(run), Array.from({ length: last }, (_, i) => i + 1));
  const { stages } = run.timings;
  assertEquals(stages.map(({ stage, chunks }) => [stage, chunks]), [
    ["a", last],
    ["b", last],
    ["c", last],
  ]);
});

Deno.test("run.timings counts a stage's own work only", async () => {
  const slow = mapping("slow", async (n) => {
    await sleep(30);
    return n;
  });
  const pipeline = pipe(counting(4), slow, mapping("quick", (n) => n));
  await using open = await pipeline.open();
  for (const readAhead of [0, 1]) {
    const events: RunEvent[] = [];
    const run = open.run(1, { readAhead, onEvent: (event) => events.push(event) });
    for await (const _ of run) await sleep(15);
    const [count, slow, quick] = run.timings.stages.map(({ seconds }) => seconds);
    assert((slow ?? 0) >= 0.115, `slow: ${slow} s`);
    // What the others waited, 120 ms for it and 60 ms for the reader, is not theirs.
    const others = (count ?? 1) + (quick ?? 1);
    assert(others < (slow ?? 0) / 2, `slow: ${slow} s, count: ${count} s, quick: ${quick} s`);
    const chunks = events.filter((event) => event.type === "chunk" && event.stage === "slow");
    assertEquals(chunks.map((event) => event.type === "chunk" && event.chunk), [0, 1, 2, 3]);
    assertAlmostEquals(
      chunks.reduce((sum, event) => sum + (event.type === "chunk" ? event.seconds : 0), 0),
      slow ?? 0,
      0.02,
    );
  }
});

Deno.test("run.timings leaves out a wait that a stage does not wait for", async () => {
  // Reads its input in the background while it works, as a stage that takes new prompts does.
  const background = specOf("background", "number", "number", async function* (input) {
    const iterator = input[Symbol.asyncIterator]();
    const { value = 0 } = await iterator.next();
    iterator.next();
    for (let i = 0; i < 3; i++) {
      await sleep(20);
      yield value + i;
    }
  });
  async function* input() {
    yield 5;
    await new Promise(() => {});
  }
  await using open = await pipe(background).open();
  const run = open.run(input());
  assertEquals(await Array.fromAsync(run), [5, 6, 7]);
  const seconds = run.timings.stages[0]?.seconds ?? 0;
  assert(seconds >= 0.055, `${seconds} s`);
});

Deno.test("run() tells of chunks, reports and the end of each stage", async () => {
  const events: RunEvent[] = [];
  const reporting = mapping("reporting", (n, context) => {
    context.report({ type: "step", chunk: 0, step: 1, steps: 4 });
    return n;
  });
  await read(pipe(counting(1), reporting), 3, {
    readAhead: 0,
    onEvent: (event) => events.push(event),
  });
  assertEquals(events.map(({ type, stage }) => `${stage} ${type}`), [
    "count chunk",
    "reporting step",
    "reporting chunk",
    "count finished",
    "reporting finished",
  ]);
  assert(events.every(({ at }, i) => at >= (events[i - 1]?.at ?? 0)));
});

Deno.test("run() fails with what onEvent throws", async () => {
  const pipeline = pipe(counting(3));
  await assertRejects(
    () =>
      read(pipeline, 1, {
        onEvent() {
          throw new Error("no paper");
        },
      }),
    Error,
    "no paper",
  );
});

Deno.test("run() counts the pictures of a chunk", async () => {
  const frames: number[] = [];
  const film = specOf("film", "number", "frames", async function* (input) {
    for await (const index of input) {
      yield {
        index,
        last: false,
        data: new Uint8Array(24),
        shape: [2, 2, 2, 3],
        first: 2 * index,
        prompt: { text: "" },
      };
    }
  });
  await using open = await pipe(counting(3), film).open();
  const run = open.run(0, {
    onEvent: (event) =>
      event.type === "chunk" && event.stage === "film" && frames.push(event.frames),
  });
  const first: number[] = [];
  for await (const chunk of run) first.push(chunk.first);
  assertEquals([first, frames], [[0, 2, 4], [2, 2, 2]]);
});

/** Passes prompts on in capitals. */
const capitals = specOf("capitals", "prompt", "prompt", async function* (input) {
  for await (const prompt of input) yield { ...prompt, text: prompt.text.toUpperCase() };
});

/** Says the newest prompt `count` times, when it is let. */
function saying(count: number, turn: (i: number) => Promise<void> | void) {
  return specOf("saying", "prompt", "text", async function* (input, context) {
    await using prompts = new Newest(input);
    let prompt = await prompts.next();
    for (let i = 0; prompt !== undefined && i < count && !context.stop.aborted; i++) {
      await turn(i);
      prompt = prompts.take() ?? prompt;
      yield `${i} ${prompt.text}`;
    }
  });
}

Deno.test("run.prompt() is heard from the next chunk on", async () => {
  await using open = await pipe(capitals, saying(6, () => sleep(10))).open();
  const run = open.run({ text: "ball" }, { live: true });
  const said: string[] = [];
  for await (const text of run) {
    said.push(text);
    if (said.length === 2) {
      run.prompt({ text: "cube" });
      run.prompt({ text: "star" });
    }
  }
  assertEquals(said, ["0 BALL", "1 BALL", "2 STAR", "3 STAR", "4 STAR", "5 STAR"]);
  // Too late for another chunk.
  run.prompt({ text: "late" });
});

Deno.test("run.prompt() during a pause is ready when the run goes on", async () => {
  await using open = await pipe(
    capitals,
    specOf("saying", "prompt", "text", async function* (input, context) {
      await using prompts = new Newest(input);
      let prompt = await prompts.next();
      for (let i = 0; prompt !== undefined && i < 3; i++) {
        await context.whenRunning();
        prompt = prompts.take() ?? prompt;
        yield prompt.text;
      }
    }),
  ).open();
  const run = open.run({ text: "ball" }, { live: true });
  assertEquals(await run.next(), { done: false, value: "BALL" });
  run.pause();
  assert(run.paused);
  const next = run.next();
  run.prompt({ text: "cube" });
  await sleep(10);
  run.resume();
  assertEquals(await next, { done: false, value: "CUBE" });
});

Deno.test("a live stream of prompts is joined by run.prompt()", async () => {
  async function* stream(): AsyncGenerator<Prompt> {
    yield { text: "a" };
    yield { text: "b" };
  }
  await using open = await pipe(capitals).open();
  const run = open.run(stream(), { live: true });
  const texts: string[] = [];
  for await (const { text } of run) {
    texts.push(text);
    if (text === "B") run.prompt({ text: "c" });
    if (text === "C") run.stop();
  }
  assertEquals(texts, ["A", "B", "C"]);
});

Deno.test("run.prompt() refuses where there is nobody to hear it", async () => {
  await using numbers = await pipe(counting(1)).open();
  assertThrows(
    () => numbers.run(1, { live: true }).prompt({ text: "x" }),
    TypeError,
    "A pipeline that takes number cannot be given a prompt.",
  );
  await using prompts = await pipe(capitals).open();
  assertThrows(
    () => prompts.run({ text: "x" }).prompt({ text: "y" }),
    TypeError,
    "This run takes no further prompt: start it with { live: true } to give it more.",
  );
});

Deno.test("run() of one datum ends with it where nothing keeps it live", async () => {
  await using open = await pipe(capitals).open();
  assertEquals(await Array.fromAsync(open.run({ text: "x" })), [{ text: "X" }]);
});

Deno.test("run() keeps nothing of what has come out", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const prompts = specOf("prompts", "number", "prompt", async function* (input) {
    for await (const n of input) {
      for (let i = 0; i < 30; i++) yield { text: String(n + i) };
    }
  });
  await using open = await pipe(prompts, capitals).open();
  await using run = open.run(1, { signal: new AbortController().signal, onEvent() {} });
  const seen: WeakRef<Prompt>[] = [];
  for (let i = 0; i < 20; i++) {
    const { value } = await run.next();
    if (value !== undefined) seen.push(new WeakRef(value));
    await sleep(0);
  }
  collect();
  const kept = seen.slice(0, 15).filter((each) => each.deref() !== undefined);
  assertEquals([seen.length, kept.length], [20, 0]);
});
