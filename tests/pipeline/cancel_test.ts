import { assert, assertEquals, assertRejects } from "@std/assert";
import { pipe, type Run, StageError, UserError } from "../../pipeline/mod.ts";
import { counting, mapping, sleep, specOf } from "./_numbers.ts";

/** Waits until `hold` settles or the signal is aborted. */
function until(hold: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    hold.then(resolve);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Three stages, of which the one called `stuck` waits for ever at its second number. */
function stuckPipeline(stuck: string, log: string[]) {
  const stage = (name: string) =>
    mapping(name, async (n, { signal }) => {
      if (name === stuck && n === 2) {
        log.push(`${name} waits`);
        await until(new Promise(() => {}), signal);
      }
      return n;
    }, log);
  return pipe(stage("a"), stage("b"), stage("c"));
}

async function* numbers(log: string[]) {
  try {
    for (let n = 1; n <= 9; n++) yield n;
  } finally {
    log.push("input cleaned");
  }
}

const CLEANED = ["a cleaned", "b cleaned", "c cleaned", "input cleaned"];

function cleaned(log: readonly string[]): string[] {
  return log.filter((line) => line.endsWith("cleaned")).sort();
}

Deno.test("a signal rejects the reader at once and cleans up, in whichever stage it strikes", async () => {
  for (const stuck of ["a", "b", "c"]) {
    for (const readAhead of [0, 1]) {
      const log: string[] = [];
      await using open = await stuckPipeline(stuck, log).open();
      const control = new AbortController();
      const reason = new Error("enough");
      {
        await using run = open.run(numbers(log), { signal: control.signal, readAhead });
        assertEquals(await run.next(), { done: false, value: 1 });
        const next = run.next();
        await sleep(2);
        assert(log.includes(`${stuck} waits`));
        control.abort(reason);
        const error = await assertRejects(() => next);
        assertEquals(error, reason);
        assertEquals(await run.next(), { done: true, value: undefined });
      }
      assertEquals(cleaned(log), CLEANED, `${stuck}, read-ahead ${readAhead}`);
      // The stages serve the next run.
      const again = open.run(7);
      assertEquals(await Array.fromAsync(again), [7]);
    }
  }
});

Deno.test("a signal rejects the reader even while a stage does not heed it", async () => {
  const deaf = Promise.withResolvers<void>();
  const log: string[] = [];
  const stage = mapping("deaf", async (n) => {
    await deaf.promise;
    return n;
  }, log);
  await using open = await pipe(stage).open();
  const control = new AbortController();
  const run = open.run(1, { signal: control.signal });
  const next = run.next();
  await sleep(1);
  control.abort("enough");
  assertEquals(await next.catch((reason) => reason), "enough");
  assertEquals(log, []);
  deaf.resolve();
  await run[Symbol.asyncDispose]();
  assertEquals(log.at(-1), "deaf cleaned");
});

Deno.test("a signal aborted before the run rejects its first pull", async () => {
  const log: string[] = [];
  await using open = await pipe(counting(3, log)).open();
  const run = open.run(1, { signal: AbortSignal.abort(new Error("too early")) });
  await assertRejects(() => run.next(), Error, "too early");
  assertEquals(await run.next(), { done: true, value: undefined });
  assertEquals(log, []);
});

Deno.test("a signal ends an input that never gives anything", async () => {
  async function* silent(): AsyncGenerator<number> {
    await new Promise(() => {});
    yield 1;
  }
  await using open = await pipe(counting(3)).open();
  const control = new AbortController();
  await using run = open.run(silent(), { signal: control.signal });
  const next = run.next();
  await sleep(1);
  control.abort(new Error("enough"));
  await assertRejects(() => next, Error, "enough");
});

Deno.test("leaving the loop cleans up every stage before it goes on", async () => {
  for (const readAhead of [0, 1]) {
    const log: string[] = [];
    await using open = await stuckPipeline("none", log).open();
    for await (const n of open.run(numbers(log), { readAhead })) if (n === 3) break;
    assertEquals(cleaned(log), CLEANED);
  }
});

Deno.test("leaving the loop ends a stage that works ahead", async () => {
  const log: string[] = [];
  await using open = await stuckPipeline("a", log).open();
  for await (const n of open.run(numbers(log))) {
    await sleep(2);
    assertEquals(n, 1);
    break;
  }
  assert(log.includes("a waits"));
  assertEquals(cleaned(log), CLEANED);
});

Deno.test("a stage that ends early ends those before it", async () => {
  const log: string[] = [];
  const two = specOf("two", "number", "number", async function* (input) {
    let count = 0;
    for await (const n of input) {
      yield n;
      if (++count === 2) return;
    }
  });
  const ignorant = specOf("ignorant", "number", "number", async function* (input) {
    const iterator = input[Symbol.asyncIterator]();
    yield (await iterator.next()).value ?? -1;
  });
  for (const [ending, expected] of [[two, [0, 1]], [ignorant, [0]]] as const) {
    await using open = await pipe(counting(1000, log), ending).open();
    assertEquals(await Array.fromAsync(open.run(0)), [...expected]);
    assertEquals(log.filter((line) => line === "count cleaned").length, 1);
    log.length = 0;
  }
});

Deno.test("run.stop() lets what is made come out, then ends", async () => {
  for (const readAhead of [0, 1, 2]) {
    const log: string[] = [];
    const pipeline = pipe(counting(1000, log), mapping("b", (n) => n), mapping("c", (n) => n));
    await using open = await pipeline.open();
    const run = open.run(1, { readAhead });
    const seen: number[] = [];
    for await (const n of run) {
      seen.push(n);
      if (n === 4) {
        await sleep(5);
        run.stop();
        run.stop();
      }
    }
    const made = log.filter((line) => /^count \d/.test(line)).map((line) => Number(line.slice(6)));
    assertEquals(seen, made, `read-ahead ${readAhead}`);
    assertEquals(seen.length, 4 + 2 * readAhead);
    assertEquals(log.at(-1), "count cleaned");
  }
});

Deno.test("run.stop() ends a run that is fed from outside", async () => {
  const log: string[] = [];
  await using open = await stuckPipeline("none", log).open();
  const run = open.run(numbers(log), { readAhead: 0 });
  const seen: number[] = [];
  for await (const n of run) {
    seen.push(n);
    if (n === 2) run.stop();
  }
  assertEquals(seen, [1, 2]);
  assertEquals(cleaned(log), CLEANED);
});

Deno.test("run.pause() holds the next chunk until run.resume()", async () => {
  const log: string[] = [];
  await using open = await pipe(counting(4, log), mapping("b", (n) => n)).open();
  const run = open.run(1);
  await run.next();
  await sleep(1);
  run.pause();
  assertEquals(await run.next(), { done: false, value: 2 });
  let settled = false;
  const next = run.next().finally(() => settled = true);
  await sleep(20);
  assertEquals([settled, run.paused], [false, true]);
  run.resume();
  assertEquals([await next, run.paused], [{ done: false, value: 3 }, false]);
  const [count] = run.timings.stages;
  assert((count?.seconds ?? 1) < 0.015, "a pause is no work");
});

Deno.test("a paused run can be stopped, aborted and closed", async () => {
  const ends: ((run: Run, control: AbortController) => void | Promise<void>)[] = [
    (run) => run.stop(),
    (_, control) => control.abort(new Error("enough")),
    (run) => run[Symbol.asyncDispose](),
  ];
  const outcomes: string[] = [];
  for (const end of ends) {
    const log: string[] = [];
    await using open = await pipe(counting(4, log), mapping("b", (n) => n, log)).open();
    const control = new AbortController();
    const run = open.run(1, { signal: control.signal });
    run.pause();
    const next = run.next();
    await sleep(2);
    await end(run, control);
    outcomes.push(await next.then(({ done }) => `done: ${done}`, (error) => error.message));
    await run[Symbol.asyncDispose]();
    assertEquals(log, ["count cleaned", "b cleaned"]);
  }
  assertEquals(outcomes, ["done: true", "enough", "The run was closed."]);
});

Deno.test("an error in any stage reaches the reader with the stage's name, after what was made before it", async () => {
  for (const failing of ["a", "b", "c"]) {
    for (const readAhead of [0, 1]) {
      const log: string[] = [];
      const cause = new RangeError("the matrix is singular");
      const stage = (name: string) =>
        mapping(name, (n) => {
          if (name === failing && n === 3) throw cause;
          return n;
        }, log);
      await using open = await pipe(stage("a"), stage("b"), stage("c")).open();
      const run = open.run(numbers(log), { readAhead });
      const seen: number[] = [];
      const error = await assertRejects(
        async () => {
          for await (const n of run) seen.push(n);
        },
        StageError,
        `The stage "${failing}" failed: the matrix is singular`,
      );
      assertEquals([error.stage, error.cause, seen], [failing, cause, [1, 2]]);
      await run[Symbol.asyncDispose]();
      assertEquals(cleaned(log), CLEANED);
      assertEquals(await Array.fromAsync(open.run(7)), [7]);
    }
  }
});

Deno.test("a user's mistake in a stage stays one, with the stage's name", async () => {
  const stage = mapping("write", () => {
    throw new UserError("out.mp4 cannot be written: the folder is read-only.");
  });
  await using open = await pipe(counting(2), stage, mapping("c", (n) => n)).open();
  const error = await assertRejects(() => Array.fromAsync(open.run(1)), UserError);
  assertEquals(error.message, "write: out.mp4 cannot be written: the folder is read-only.");
  assertEquals([error.name, error.stage], ["UserError", "write"]);
});

Deno.test("an error that a later stage swallows is not lost", async () => {
  const failing = mapping("failing", (n) => {
    if (n === 2) throw new Error("burnt");
    return n;
  });
  const careful = specOf("careful", "number", "number", async function* (input) {
    try {
      for await (const n of input) yield n;
    } catch {
      yield -1;
    }
  });
  await using open = await pipe(failing, careful).open();
  const seen: number[] = [];
  await assertRejects(
    async () => {
      for await (const n of open.run(numbers([]))) seen.push(n);
    },
    StageError,
    `The stage "failing" failed: burnt`,
  );
  assertEquals(seen, [1, -1]);
});

Deno.test("an error of the input is no stage's", async () => {
  const cause = new Error("the line is dead");
  async function* input() {
    yield 1;
    throw cause;
  }
  await using open = await pipe(mapping("a", (n) => n), mapping("b", (n) => n)).open();
  const error = await assertRejects(() => Array.fromAsync(open.run(input())));
  assertEquals(error, cause);
});

Deno.test("a stage that fails to clean up is told of", async () => {
  const untidy = specOf("untidy", "number", "number", async function* (input) {
    try {
      for await (const n of input) yield n;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error("stuck drawer");
    }
  });
  await using open = await pipe(untidy).open();
  const warnings: string[] = [];
  for await (
    const _ of open.run(numbers([]), {
      onEvent: (event) => event.type === "warning" && warnings.push(event.message),
    })
  ) break;
  assertEquals(warnings, ["The stage did not clean up: Error: stuck drawer"]);
});
