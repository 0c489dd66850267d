import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import written from "../../deno.jsr.json" with { type: "json" };
import { jsrConfig } from "../../tools/jsr_config.ts";

Deno.test("deno.jsr.json is deno.json with three packages from JSR", () => {
  assertEquals(
    written as unknown,
    jsrConfig(config),
    "deno.jsr.json is out of date: deno run --allow-read --allow-write tools/jsr_config.ts",
  );
});

Deno.test("jsrConfig() changes where names come from, and tells tasks which config they belong to", () => {
  const { imports, tasks, ...rest } = jsrConfig({
    name: "x",
    imports: { "@std/path": "npm:y", "zod": "npm:zod@4", "commander": "npm:commander@15" },
    tasks: { all: { description: "d", command: "deno fmt --check && deno task test" } },
  });
  assertEquals(imports, { "@std/path": "jsr:@std/path@^1", "zod": "npm:zod@4" });
  assertEquals(
    tasks.all!.command,
    "deno fmt --config deno.jsr.json --check && deno task --config deno.jsr.json test",
  );
  assertEquals(rest, { name: "x", lock: false });
});
