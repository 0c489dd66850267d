import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "./_run.ts";

Deno.test("ui refuses what it cannot serve, before it loads anything", async () => {
  const mistakes: [string[], string][] = [
    [["--port", "70000"], "--port: expected a whole number from 0 to 65535, got 70000."],
    [["--threads", "0"], "--threads: expected at least 1, got 0."],
    [["--token", "short"], "--token: expected 16 or more letters, digits, - or _"],
    [["--config", "nope"], 'There is no config "nope".'],
  ];
  for (const [words, message] of mistakes) {
    const { code, err, files } = await run(["ui", ...words]);
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(err, message);
  }
});

Deno.test("ui --help tells how it ends and who reaches it", async () => {
  const { code, out } = await run(["ui", "--help"]);
  assertEquals(code, 0);
  for (const words of ["Ctrl-C", "token", "--gallery", "8019", "--overcommit"]) {
    assertStringIncludes(out, words);
  }
});

Deno.test({
  name: "ui says what it needs where it may not run programs",
  permissions: { read: true, write: true, env: true, net: true, run: false },
  async fn() {
    const { code, err } = await run(["ui"]);
    assertEquals(code, 2);
    assertStringIncludes(err, "The studio may not run esbuild, which makes its page's scripts");
  },
});
