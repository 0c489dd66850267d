import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DIAGNOSIS, plugins as fakes } from "./_fakes.ts";
import { run } from "./_run.ts";

const SHARPEN = new URL("./fixtures/sharpen.ts", import.meta.url).pathname;

Deno.test("sluice prints help and version, and refuses what it does not know", async () => {
  for (const words of [[], ["--help"], ["-h"]]) {
    const { code, out } = await run(words);
    assertEquals(code, 0);
    for (const name of ["generate", "pipeline", "plugins", "doctor", "completions"]) {
      assertStringIncludes(out, name);
    }
  }
  assertEquals((await run(["--version"])).out.includes("9.9.9"), true);
  const { code, err, out } = await run(["generat"]);
  assertEquals([code, out], [2, ""]);
  assertStringIncludes(err, "generat");
  assertStringIncludes(err, "See: sluice --help\n");
  assertStringIncludes((await run(["pipeline", "validate"])).err, "See: sluice pipeline");
});

Deno.test("sluice takes help as a command, and tells who forgot one what to write", async () => {
  for (const words of [["help"], ["help", "pipeline"], ["help", "pipeline", "list"]]) {
    const help = await run(words);
    assertEquals(help, await run([...words.slice(1), "--help"]));
    assertEquals(help.code, 0);
  }
  const { code, err } = await run(["a red ball", "--seed", "1"]);
  assertEquals(code, 2);
  assertStringIncludes(
    err,
    'error: "a red ball" is no command. To make a video of it: sluice generate "a red ball"\n',
  );
});

Deno.test("sluice loads plugins only for the command that needs them", async () => {
  let asked = 0;
  const plugins = () => {
    asked++;
    return Promise.resolve(fakes);
  };
  for (const words of [["--help"], ["--version"], ["doctor"], ["plugins", "--help"]]) {
    await run(words, { changes: { plugins } });
  }
  assertEquals(asked, 0);
  await run(["generate", "--help"], { changes: { plugins } });
  assertEquals(asked, 1);
});

Deno.test("every command has a description and an example in its help", async () => {
  const commands = [
    "generate",
    "pipeline list",
    "pipeline validate",
    "pipeline describe",
    "pipeline schema",
    "plugins list",
    "plugins show",
    "doctor",
  ];
  for (const command of commands) {
    const { out } = await run([...command.split(" "), "--help"]);
    assertStringIncludes(out, `sluice ${command.split(" ")[0]}`);
    assertStringIncludes(out, "Examples:");
  }
});

Deno.test("pipeline list names configs and what is wrong with them", async () => {
  const { code, out } = await run(["pipeline", "list"]);
  assertEquals(code, 0);
  const lines = out.split("\n");
  assertEquals(lines.map((line) => line.split(" ")[0]), [
    "broken",
    "counting",
    "embedded",
    "endless",
    "network-chunk",
  ]);
  assertMatch(lines[0] ?? "", /^broken +cannot be used: .*broken\.yaml:5:7/);
  assertEquals(lines[2], "embedded       Two chunks of nothing.");
  const json = JSON.parse((await run(["pipeline", "list", "--json"])).out);
  assertEquals(json[3].stages, ["diffuse", "decode", "encode-video"]);
  assertMatch(json[0].error, /windwo/);
});

Deno.test("pipeline validate names file, line and key, and gives 2", async () => {
  const fine = await run(["pipeline", "validate", "embedded", "endless"]);
  assertEquals(fine.code, 0);
  assertEquals(fine.out.split("\n"), [
    "embedded: fine: extend-prompt → diffuse → decode → encode-video",
    "endless: fine: diffuse → decode → encode-video",
  ]);
  const { code, out, err } = await run(["pipeline", "validate", "broken", "embedded"]);
  assertEquals(code, 2);
  assertMatch(err, /broken\.yaml:5:7: stages\[0\]\.with\.windwo: there is no such option/);
  assertMatch(out, /^embedded: fine/);
  const json = JSON.parse((await run(["pipeline", "validate", "broken", "--json"])).out);
  assertEquals(json[0].error.code, 2);
  assertEquals(json[0].error.problems.length, 1);
});

Deno.test("pipeline validate tells of everything that is wrong, for people and as a list", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/two.yaml`;
    await Deno.writeTextFile(
      file,
      "name: two\nstages:\n  - use: diffuse\n    with: { windwo: 9, seed: x }\n  - use: decod\n",
    );
    const { code, err } = await run(["pipeline", "validate", file]);
    assertEquals(code, 2);
    const [first, ...lines] = err.trimEnd().split("\n");
    assertEquals(first, `3 problems in ${file}:`);
    assertMatch(
      lines[0] ?? "",
      /^ {2}.*two\.yaml:4:13: stages\[0\]\.with\.windwo: there is no such/,
    );
    assertMatch(
      lines[1] ?? "",
      /^ {2}.*two\.yaml:4:30: stages\[0\]\.with\.seed: expected a number/,
    );
    assertMatch(lines[2] ?? "", /^ {2}.*two\.yaml:5:10: .*Did you mean "decode"\?/);
    const [{ error }] = JSON.parse((await run(["pipeline", "validate", file, "--json"])).out);
    assertEquals(error.problems[1], {
      file,
      line: 4,
      column: 30,
      key: "stages[0].with.seed",
      reason: 'expected a number, got "x".',
    });
    assertEquals([error.code, error.problems.length], [2, 3]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("pipeline describe shows kinds and every option in effect", async () => {
  const words = ["pipeline", "describe", "embedded", "--set", "diffuse.window=9"];
  const { out } = await run(words);
  assertMatch(out, /^embedded: Two chunks of nothing\.\n\nextend-prompt: prompt → prompt\n/);
  assertMatch(out, /\ndiffuse: prompt → latents\n(.*\n)* {2}window +9\n/);
  assertMatch(out, / {2}steps +1000,500\n/);
  const json = JSON.parse((await run([...words, "--json"])).out);
  assertEquals(json.stages[1].takes, "prompt");
  assertEquals(json.stages[1].with["warp-steps"], true);
  assertEquals(json.stages[1].with.window, 9);
});

Deno.test("pipeline schema prints the JSON Schema of configs", async () => {
  const schema = JSON.parse((await run(["pipeline", "schema"])).out);
  assertEquals(schema.required, ["name", "stages"]);
  assertStringIncludes(JSON.stringify(schema), "latent-frames");
});

Deno.test("plugins list shows what each takes and gives", async () => {
  const { out } = await run(["plugins", "list"]);
  assertEquals(out.split("\n")[1], "diffuse        prompt → latents  Counts.");
  const json = JSON.parse((await run(["plugins", "list", "--json"])).out);
  assertEquals(json[2], { name: "decode", takes: "latents", gives: "frames", summary: "Paints." });
});

Deno.test("plugins show has types, defaults and descriptions", async () => {
  const { out } = await run(["plugins", "show", "diffuse"]);
  assertMatch(out, /^diffuse: prompt → latents\nCounts\.\n/);
  assertStringIncludes(out, "\n  latent-frames: integer = 6\n    Latent frames in all\n");
  assertStringIncludes(out, '\n  noise: "philox" | "mt19937" = philox\n');
  assertStringIncludes(out, "\n  steps: number[] = 1000,500\n");
  assertStringIncludes(out, "\n  warp-steps: boolean = true\n");
});

Deno.test("plugins show imports a module that is none of the built-ins", async () => {
  const { code, out } = await run(["plugins", "show", SHARPEN, "--json"]);
  assertEquals(code, 0, out);
  assertEquals(JSON.parse(out), {
    name: "sharpen",
    takes: "frames",
    gives: "frames",
    summary: "Makes pictures crisp.",
    options: [
      {
        name: "radius",
        type: "number",
        description: "Pixels around each that count",
        default: 1.5,
      },
      { name: "mask-path", type: "string", description: "Picture of where to sharpen" },
      { name: "mode", type: '"auto" | number', description: "How much", default: "auto" },
    ],
  });
  const unknown = await run(["plugins", "show", "difuse"]);
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.err, 'Did you mean "diffuse"?');
});

Deno.test("doctor tells versions, devices, libraries, assets, memory and permissions", async () => {
  const { code, out } = await run(["doctor"]);
  assertEquals(code, 0, out);
  assertMatch(out, /processors, [\d.]+ GB of memory/);
  assertMatch(out, /\nVersions\n {2}sluice {7}9\.9\.9\n/);
  assertStringIncludes(out, "onnxruntime  1.30.0");
  assertStringIncludes(out, "cuda  absent   no library\n");
  assertStringIncludes(out, "                 install it\n");
  assertMatch(out, /ffi {4}ok/);
  const json = JSON.parse((await run(["doctor", "--json"])).out);
  assertEquals(json.versions.deno, Deno.version.deno);
  assertEquals(json.devices, DIAGNOSIS.devices);
  assertEquals(json.system.cores, navigator.hardwareConcurrency);
});

Deno.test("doctor gives 1 where something needed is missing, and survives its own probes", async () => {
  const { code, out } = await run(["doctor"], {
    changes: { diagnose: () => Promise.reject(new Error("no engine")) },
  });
  assertEquals(code, 1);
  assertMatch(out, /engine {2}missing {2}no engine/);
  assertStringIncludes(out, "Something needed is missing");
});

Deno.test("completions prints a script for the shell", async () => {
  assertStringIncludes((await run(["completions", "bash"])).out, "sluice completions complete");
});
