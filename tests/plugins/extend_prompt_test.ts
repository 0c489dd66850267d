import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Prompt } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import { checkPrompt } from "../../plugins/_prompt.ts";
import { extend } from "./_extend_prompt.ts";

Deno.test("extend-prompt passes a prompt on with provider none", async () => {
  const prompt = { text: "anything, anything", negative: "blur", seed: 3 };
  const { prompts, events } = await extend({}, [prompt]);
  assertEquals(prompts, [prompt]);
  assertEquals(events, []);
});

Deno.test("extend-prompt with provider template reports the text and warns", async () => {
  const { prompts, events } = await extend({ provider: "template" }, [
    { text: "bouncy ball", negative: "blur", seed: 3 },
    "a dog",
  ]);
  assertEquals(prompts, [
    { text: "a red ball bounces on a grey floor", negative: "blur", seed: 3 },
    { text: "a dog" },
  ]);
  assertEquals(events.map(({ type }) => type), ["prompt", "warning", "prompt"]);
  assertEquals(events[0], { type: "prompt", chunk: 0, text: "a red ball bounces on a grey floor" });
});

Deno.test("checkPrompt() refuses what is no prompt, by name", () => {
  const cases: [Prompt, string][] = [
    [{ text: "" }, "The prompt is empty"],
    [{ text: " \n\t " }, "The prompt is empty"],
    [{ text: "a red\0ball" }, "The prompt holds a NUL character at position 6"],
    [{ text: "\x1b[31mred" }, "a control character (U+001B) at position 1"],
    [{ text: "a\ud800b" }, "a control character (U+D800) at position 2"],
    [{ text: "x".repeat(100_000) }, "expected at most 20000 characters, got 100000"],
    [{ text: "a", negative: "b\x07" }, "The negative prompt holds a control character (U+0007)"],
    [{ text: "a", seed: -1 }, "The seed cannot be -1: expected a whole number from 0 to"],
    [{ text: "a", seed: 1.5 }, "The seed cannot be 1.5"],
    [{ text: "a", seed: NaN }, "The seed cannot be NaN"],
    [{ text: "a", seed: 2 ** 53 }, "The seed cannot be 9007199254740992"],
  ];
  for (const [prompt, message] of cases) {
    assertThrows(() => checkPrompt(prompt), UserError, message);
  }
  checkPrompt({ text: "ein roter Ball 🎈👩‍👩‍👧, 赤いボール\r\n\tnext line", negative: "", seed: 0 });
  checkPrompt({ text: "x".repeat(20_000), seed: Number.MAX_SAFE_INTEGER });
});

Deno.test("extend-prompt refuses a bad prompt with every provider", async () => {
  for (const provider of ["none", "template", "openai"] as const) {
    await assertRejects(
      () => extend({ provider, model: "m", endpoint: "http://localhost:9/v1" }, ["a\0b"]),
      UserError,
      "NUL character at position 2",
    );
  }
});
