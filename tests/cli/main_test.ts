import { assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../cli/version.ts";
import project from "../../deno.json" with { type: "json" };

/** Runs the program itself. */
async function sluice(...words: string[]) {
  const main = new URL("../../cli/main.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-check", "--config", config, main, ...words],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    out: decoder.decode(output.stdout),
    err: decoder.decode(output.stderr),
  };
}

Deno.test("VERSION is the project's", () => {
  assertEquals(VERSION, project.version);
});

Deno.test("sluice generate --help-all shows the built-in plugins' flags", async () => {
  const { code, out } = await sluice("generate", "--help-all");
  assertEquals(code, 0);
  for (
    const flag of [
      "--extend-prompt-provider",
      "--encode-text-network",
      "--diffuse-window",
      "--decode-network",
      "--encode-video-crf",
    ]
  ) assertStringIncludes(out, flag);
});

Deno.test("sluice exits with 2 for the user's mistake", async () => {
  const { code, err } = await sluice("generate", "a", "--frames", "x");
  assertEquals(code, 2);
  assertStringIncludes(err, "--frames");
});
