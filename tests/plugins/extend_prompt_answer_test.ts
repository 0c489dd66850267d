import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";
import { cleanAnswer } from "../../plugins/extend_prompt/answer.ts";
import { extend, openai, says, withEndpoint } from "./_extend_prompt.ts";

Deno.test("extend-prompt asks once for the same prompt", () =>
  withEndpoint([says("one"), says("two"), says("three")], async (endpoint, seen) => {
    const { prompts } = await extend({ ...openai, endpoint }, ["a", "b", { text: "a", seed: 2 }]);
    assertEquals(prompts.map(({ text }) => text), ["one", "two", "one"]);
    assertEquals(seen.length, 2);
    await extend({ ...openai, endpoint, cache: false }, ["a", "a"]);
    assertEquals(seen.length, 4);
  }));

Deno.test("extend-prompt keeps answers on disk where it is told to", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await withEndpoint([says("one"), says("two")], async (endpoint, seen) => {
      const options = { ...openai, endpoint, cacheDirectory: "answers" };
      await extend(options, ["a"], { directory });
      const again = await extend(options, ["a"], { directory });
      assertEquals(again.prompts, [{ text: "one" }]);
      assertEquals(seen.length, 1);
      // Whatever shapes the answer makes it another question.
      const warmer = await extend({ ...options, temperature: 1 }, ["a"], { directory });
      assertEquals(warmer.prompts, [{ text: "two" }]);
      const file = join(directory, "answers", "extend-prompt.json");
      assertEquals([...Deno.readDirSync(join(directory, "answers"))].length, 1);
      await Deno.writeTextFile(file, "{ damaged");
      await extend(options, ["a"], { directory });
      assertEquals(seen.length, 3);
      await assertRejects(
        () =>
          extend({ ...options, cacheDirectory: "answers/extend-prompt.json" }, ["c"], {
            directory,
          }),
        UserError,
        "Answers cannot be kept in " + join(file, "extend-prompt.json"),
      );
      // It never grows beyond 256 answers.
      const many = Array.from({ length: 300 }, (_, i) => [`key ${i}`, "x"]);
      await Deno.writeTextFile(file, JSON.stringify(many));
      await extend(options, ["b"], { directory });
      assertEquals(JSON.parse(await Deno.readTextFile(file)).length, 256);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("cleanAnswer() leaves the description alone", () => {
  const cases: [string, string][] = [
    ["<think>red?\nyes</think>\n\nA red ball.", "A red ball."],
    ["no first tag</think> A ball.", "A ball."],
    ["A ball. <think>and then", "A ball."],
    ["```text\nA ball.\n```", "A ball."],
    ['"A ball."', "A ball."],
    ["«„A ball.“»", "A ball."],
    ['"A" and "B"', '"A" and "B"'],
    ["**A ball.**", "A ball."],
    ["It's a ball's day", "It's a ball's day"],
    ["A\0 ball\u0007\r\n\r\nrolls", "A ball rolls"],
    ["一个红球。", "一个红球。"],
    ["  ", ""],
  ];
  for (const [answer, expected] of cases) assertEquals(cleanAnswer(answer), expected, answer);
  const long = cleanAnswer("word, ".repeat(1000));
  assert(long.length <= 2000 && long.length > 1980);
  assert(long.endsWith("word"));
  assertEquals(cleanAnswer("球".repeat(3000)).length, 2000);
  const emoji = cleanAnswer("x" + "🎈".repeat(1500));
  assert(emoji.isWellFormed());
});
