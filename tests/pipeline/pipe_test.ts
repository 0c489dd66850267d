import { assertEquals, assertThrows } from "@std/assert";
import { joinStages, pipe, type Pipeline, type StageSpec, UserError } from "../../pipeline/mod.ts";
import { counting, mapping, specOf } from "./_numbers.ts";

const write = specOf("write", "number", "text", async function* (input) {
  for await (const n of input) yield String(n);
});
const shout = specOf("shout", "text", "text", async function* (input) {
  for await (const text of input) yield `${text}!`;
});

Deno.test("pipe() gives a pipeline of its ends' kinds", () => {
  const pipeline: Pipeline<"number", "text"> = pipe(counting(3), write, shout);
  assertEquals([pipeline.takes, pipeline.gives], ["number", "text"]);
  assertEquals(pipeline.stages.map(({ plugin }) => plugin.name), ["count", "write", "shout"]);
  const one: Pipeline<"text", "text"> = pipe(shout);
  assertEquals(one.stages, [shout]);
});

Deno.test("pipe() joins what was joined before", async () => {
  const numbers = pipe(counting(2), mapping("double", (n) => n * 2));
  const pipeline: Pipeline<"number", "text"> = pipe(numbers, pipe(write, shout));
  await using open = await pipeline.open();
  assertEquals(await Array.fromAsync(open.run(4)), ["8!", "10!"]);
});

Deno.test("pipe() does not compile, and throws, where kinds do not meet", () => {
  assertThrows(
    // @ts-expect-error `shout` takes text, `count` gives numbers.
    () => pipe(counting(3), shout),
    UserError,
    `The stage "shout" cannot follow "count": expected text, got number. ` +
      "Put a stage between them that turns one into the other.",
  );
  assertThrows(
    // @ts-expect-error The mistake may stand anywhere.
    () => pipe(counting(3), mapping("double", (n) => n), write, counting(2), shout),
    UserError,
    `The stage "count" cannot follow "write": expected number, got text.`,
  );
  assertThrows(
    // @ts-expect-error Pipelines are checked as stages are.
    () => pipe(pipe(counting(3), write), pipe(counting(3), write)),
    UserError,
    `The stage "count" cannot follow "write": expected number, got text.`,
  );
  // @ts-expect-error A pipeline of nothing does nothing.
  assertThrows(() => pipe());
});

Deno.test("pipe() types what a run takes and gives", async () => {
  await using open = await pipe(counting(1), write).open();
  const texts: string[] = await Array.fromAsync(open.run(3));
  assertEquals(texts, ["3"]);
  // @ts-expect-error Not a number.
  open.run("three");
});

Deno.test("pipe() checks at run time what types do not know", () => {
  const unknown: StageSpec = shout;
  assertThrows(
    () => pipe(counting(3), unknown),
    UserError,
    `The stage "shout" cannot follow "count": expected text, got number.`,
  );
});

Deno.test("joinStages() refuses a pipeline of no stages", () => {
  assertThrows(() => joinStages([]), UserError, "A pipeline of no stages does nothing");
});
