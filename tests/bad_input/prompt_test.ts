import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertNothingOpen, sluice } from "../_sluice.ts";

const SHORT = ["--out", "o.mp4", "--frames", "9", "--quiet"];

Deno.test("prompts that nothing can be made of are refused, whatever extends them", async () => {
  for (
    const [text, said] of [
      ["", "The prompt is empty: say what to show"],
      [" \n\t ", "The prompt is empty: say what to show"],
      ["a red ball ".repeat(9091).slice(0, 100_000), "at most 20000 characters, got 100000."],
      ["a red\0ball", "The prompt holds a NUL character at position 6: expected text. Remove it."],
      ["a red \x1b[31mball", "The prompt holds a control character (U+001B) at position 7"],
    ] as const
  ) {
    for (const provider of ["template", "none"]) {
      const { code, out, err, files } = await sluice(
        ["generate", text, ...SHORT, "--extend-prompt-provider", provider],
      );
      assertEquals([code, out, files], [2, "", []], err);
      assertStringIncludes(err, said);
      assertNothingOpen();
    }
  }
});

Deno.test("prompts of emoji, of any script and of many lines make a video", async () => {
  for (
    const text of ["a red ball 🔴 bounces 👩‍👩‍👧", "一个红色的球在弹跳", "a red ball\r\nbounces\n", "?"]
  ) {
    for (const provider of ["template", "none"]) {
      const { code, out, err, files } = await sluice(
        ["generate", text, ...SHORT, "--extend-prompt-provider", provider],
      );
      assertEquals([code, out, files], [0, "o.mp4", ["o.mp4"]], err);
    }
  }
  assertNothingOpen();
});

Deno.test("a prompt longer than the network reads is cut with a warning", async () => {
  const text = "a red ball bounces on a green floor and ".repeat(100);
  const { code, err } = await sluice(
    ["generate", text, "--out", "o.mp4", "--frames", "9", "--extend-prompt-provider", "none"],
  );
  assertEquals(code, 0, err);
  assertStringIncludes(err, "tokens long, of which the network reads ");
});

Deno.test("a seed that is none is refused", async () => {
  for (const seed of ["-1", "1.5", "1e30", "x"]) {
    const { code, files, err } = await sluice(["generate", "a", ...SHORT, "--seed", seed]);
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(err, "--seed");
  }
});
