import { assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl, toFileUrl } from "@std/path";
import { findPlugin, isPlugin, UserError } from "../../pipeline/mod.ts";
import { count, plugins } from "./_plugins.ts";

const directory = fromFileUrl(new URL("./fixtures", import.meta.url));
const sources = { plugins, directory };

Deno.test("findPlugin() finds a built-in by its name", async () => {
  assertEquals(await findPlugin("count", sources), count);
});

Deno.test("findPlugin() finds a module by a path or an address", async () => {
  const file = `${directory}/halve.ts`;
  for (const use of ["./halve.ts", "../fixtures/halve.ts", file, toFileUrl(file).href]) {
    assertEquals((await findPlugin(use, sources)).name, "halve", use);
  }
});

Deno.test("findPlugin() says what is wrong and what to do", async () => {
  const bad: [use: string, message: string][] = [
    ["prnit", `there is no plugin "prnit". Did you mean "print"? Known: count, print, shout.`],
    ["halve.ts", "A module of your own is named by ./file.ts, npm:package or https://…."],
    ["./nope.ts", `the module "./nope.ts" could not be imported: Module not found`],
    ["./nope.ts", `Paths start from the folder of the config, ${directory}.`],
    [
      "./no_plugin.ts",
      `the module "./no_plugin.ts" is no plugin: expected a default export made by definePlugin, ` +
      "got exports named halve.",
    ],
    ["./not_callable.ts", "expected a default export made by definePlugin, got something else."],
    ["./broken.ts", `the module "./broken.ts" could not be imported: the moon is full`],
    ["http://example.com/x.ts", "is not loaded over plain http: use https."],
    ["npm:", `the module "npm:" could not be imported: `],
  ];
  for (const [use, message] of bad) {
    await assertRejects(() => findPlugin(use, sources), UserError, message);
  }
});

Deno.test("findPlugin() passes on which permission a module needs", async () => {
  const script = fromFileUrl(new URL("./fixtures/remote.ts", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", script],
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    `UserError: the module "https://example.com/plugin.ts" could not be imported: ` +
      `Requires import access to "example.com:443", run again with the --allow-import flag\n`,
  );
});

Deno.test("isPlugin() knows a plugin, whoever made it", () => {
  assertEquals(isPlugin(count), true);
  const bad = [undefined, null, {}, () => {}, { ...count }, "count"];
  for (const value of bad) assertEquals(isPlugin(value), false);
});
