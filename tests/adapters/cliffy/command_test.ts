import { Command, ValidationError } from "@cliffy/command";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createApp } from "./_app.ts";

/** Runs the program on these words: what it printed, and the mistake it threw. */
async function run(...args: string[]): Promise<{ out: string; error?: ValidationError }> {
  const lines: string[] = [];
  const log = console.log;
  console.log = (...words: unknown[]) => void lines.push(words.join(" "));
  try {
    await createApp().noExit().parse(args);
    return { out: lines.join("\n") };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { out: lines.join("\n"), error };
  } finally {
    console.log = log;
  }
}

Deno.test("Command.parse() gives defaults, arguments and inherited options", async () => {
  const { out } = await run("paint", "a.md");
  assertEquals(JSON.parse(out), { script: "a.md", seed: 1, rate: 24, quality: "standard" });
});

Deno.test("Command.parse() reads every type of value", async () => {
  const { out } = await run(
    ...["paint", "a.md", "o.png", "-s", "7", "--rate", "12.5", "-q", "draft", "-t", "a", "-t", "b"],
    ...["--size", "3x2", "--steps", "4,2,1", "--loop", "false", "-v", "--home", "/x"],
  );
  assertEquals(JSON.parse(out), {
    script: "a.md",
    output: "o.png",
    seed: 7,
    rate: 12.5,
    quality: "draft",
    tags: ["a", "b"],
    steps: [4, 2, 1],
    size: { width: 3, height: 2 },
    loop: false,
    home: "/x",
    verbose: true,
  });
});

Deno.test("Command.parse() takes global options before the sub-command, and --flag=value", async () => {
  const { out } = await run("-v", "--home", "/y", "paint", "a.md", "--seed=5");
  const { verbose, home, seed } = JSON.parse(out);
  assertEquals({ verbose, home, seed }, { verbose: true, home: "/y", seed: 5 });
});

Deno.test("Command.env() fills what no flag set, and overrides a default", async () => {
  const names = { PAINT_HOME: "/z", PAINT_KEY: "k", PAINT_SEED: "9" };
  for (const [name, value] of Object.entries(names)) Deno.env.set(name, value);
  try {
    const free = JSON.parse((await run("paint", "a.md")).out);
    assertEquals([free.home, free.key, free.seed], ["/z", "k", 9]);
    const set = JSON.parse((await run("paint", "a.md", "--seed", "2", "--home", "/q")).out);
    assertEquals([set.home, set.seed], ["/q", 2]);
  } finally {
    for (const name of Object.keys(names)) Deno.env.delete(name);
  }
});

const MISTAKES: [args: string, name: string][] = [
  ["paint", "script"],
  ["paint a b c", "arguments"],
  ["paint a -q hihg", "hihg"],
  ["paint a --seed 1.5", "--seed"],
  ["paint a --seed x", "--seed"],
  ["paint a --sed 1", ""],
  ["paint a --rate 0", "--rate"],
  ["paint a --rate", "--rate"],
  ["paint a --size 3", "--size"],
  ["paint a --steps 1,b", "--steps"],
  ["paint a --loop maybe", "--loop"],
  ["paint a --seed 1 --seed 2", "--seed"],
  ["paint a --dry-run --loop true", "--loop"],
  ["pain", "pain"],
  ["jobs lst", "lst"],
  ["jobs cancel", "id"],
  ["nope --x", "--x"],
  ["--nope", "--nope"],
];
for (const [args, name] of MISTAKES) {
  Deno.test(`Command.parse() refuses "${args}" with exit code 2`, async () => {
    const { error } = await run(...args.split(" "));
    assertEquals(error?.exitCode, 2);
    assertStringIncludes(error?.message ?? "", name);
  });
}

Deno.test("Command.parse() prints help and version, and comes back under noExit", async () => {
  assertStringIncludes((await run("--version")).out, "0.1.0");
  for (const args of [["--help"], ["-h"], []]) {
    const { out } = await run(...args);
    for (const part of ["Turn a script", "paint", "jobs", "--home", "PAINT_HOME"]) {
      assertStringIncludes(out, part);
    }
  }
  const { out } = await run("paint", "--help");
  for (const part of ["<script>", "--quality", "draft", "PAINT_KEY", "paint script.md -q draft"]) {
    assertStringIncludes(out, part);
  }
  assertStringIncludes((await run("jobs")).out, "cancel");
});

Deno.test("Command.parse() runs nested commands and variadic arguments", async () => {
  assertEquals((await run("jobs", "list", "--json")).out, "[]");
  assertEquals((await run("jobs", "list", "-v")).out, "no jobs, true");
  assertEquals((await run("jobs", "cancel", "a", "b", "c")).out, "cancelled a b c");
});

Deno.test("Command.parse() may be called again, each time from its defaults", async () => {
  const app = new Command().name("t").noExit().option("--num <n:integer>", "n", { default: 1 })
    .option("--tag <t:string>", "t", { collect: true }).action(() => {});
  assertEquals((await app.parse(["--num", "3", "--tag", "x"])).options, { num: 3, tag: ["x"] });
  assertEquals((await app.parse(["--tag", "y"])).options, { num: 1, tag: ["y"] });
});

Deno.test("Command.error() is told the error and the command it belongs to", async () => {
  const told: string[] = [];
  const app = createApp().noExit();
  app.error((error, command) => told.push(`${command.getPath()}: ${error.name}`));
  await app.parse(["jobs", "cancel"]).catch(() => {});
  assertEquals(told.length, 1);
  assertStringIncludes(told[0] ?? "", "paint jobs");
});

Deno.test("Command.option() may be left out of help, and is taken all the same", async () => {
  const app = new Command().name("t").noExit().option("--num <n:integer>", "Number.")
    .option("--depth <d:integer>", "Depth.", { hidden: true }).action(() => {});
  const help = app.getHelp();
  assertEquals([help.includes("--num"), help.includes("--depth")], [true, false]);
  assertEquals((await app.parse(["--depth", "3"])).options, { depth: 3 });
});

Deno.test("Command.getRawArgs() gives the words behind the command's name as they were written", async () => {
  const words: string[][] = [];
  const draw = new Command().arguments("[texts...:string]")
    .option("--at <time:string>", "Time.", { collect: true })
    .action(function (_options, ...texts) {
      words.push(texts, this.getRawArgs());
    });
  const app = new Command().name("t").noExit().globalOption("-v, --verbose", "More.")
    .command("draw", draw).reset();
  await app.parse(["-v", "draw", "a", "--at", "2", "b", "--at=4", "c"]);
  assertEquals(words, [["a", "b", "c"], ["a", "--at", "2", "b", "--at=4", "c"]]);
});

Deno.test("Command.action() passes an unexpected error on as it is", async () => {
  const failure = new TypeError("broken");
  const app = new Command().noExit().action(() => {
    throw failure;
  });
  const error = await app.parse([]).catch((error) => error);
  assertEquals(error, failure);
});

Deno.test("CompletionsCommand prints a script for each shell", async () => {
  for (const shell of ["bash", "fish", "zsh"]) {
    assertStringIncludes((await run("completions", shell)).out, "paint completions complete");
  }
});
