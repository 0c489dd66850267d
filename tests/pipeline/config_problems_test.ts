import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { ConfigError, parseConfig, type ParseOptions, UserError } from "../../pipeline/mod.ts";
import { plugins } from "./_plugins.ts";

const directory = fromFileUrl(new URL("./fixtures", import.meta.url));
const OPTIONS = "Known: count, step-size, mode, factors, label, limit, nested, names.";

async function errorOf(text: string, more: Partial<ParseOptions> = {}): Promise<ConfigError> {
  const parsing = () => parseConfig(text, { file: "c.yaml", plugins, directory, ...more });
  return await assertRejects(parsing, ConfigError);
}

/** The problems without the line that counts them, which is checked. */
async function problemsOf(text: string, more?: Partial<ParseOptions>): Promise<string[]> {
  const { message, problems } = await errorOf(text, more);
  if (problems.length === 1) return [message];
  const [first, ...lines] = message.split("\n");
  assert(first?.startsWith(`${problems.length} problems in `), message);
  assertEquals(lines.length, problems.length, message);
  return lines.map((line) => line.replace(/^ {2}/, ""));
}

Deno.test("parseConfig() tells of everything that is wrong, in the order of lines", async () => {
  const error = await errorOf(
    `nam: x
name: ""
stages:
  - use: count
    with:
      mode: fsat
      count: 0
      cuont: 3
  - use: prnt
  - shout
  - use: count
    wiht: {}
    with: { nested: { loud: 1 } }
`,
    { set: ["count.label=abcdefghijkl", "0.label=abcdefghi", "dveice=cpu", "device="] },
  );
  assertEquals(
    error.message,
    `13 problems in c.yaml and --set:
  c.yaml:1:1: nam: there is no such key. Did you mean "name"? Known: name, description, device, timeline, stages.
  c.yaml:2:7: name: expected a string, got an empty one.
  c.yaml:6:13: stages[0].with.mode: expected one of "slow", "fast", got "fsat". Did you mean "fast"?
  c.yaml:7:14: stages[0].with.count: expected at least 1, got 0.
  c.yaml:8:7: stages[0].with.cuont: there is no such option. Did you mean "count"? ${OPTIONS}
  c.yaml:9:10: stages[1].use: there is no plugin "prnt". Did you mean "print"? Known: count, print, shout. A module of your own is named by ./file.ts, npm:package or https://….
  c.yaml:10:5: stages[2]: expected a mapping with use, got "shout". Write "use: shout".
  c.yaml:12:5: stages[3].wiht: there is no such key. Did you mean "with"? Known: use, with.
  c.yaml:13:29: stages[3].with.nested.loud: expected true or false, got 1.
  --set count.label=abcdefghijkl: "count" is the name of 2 stages: write 0.… or 3.… to choose one by its place.
  --set dveice=cpu: there is no such key. Did you mean "device"? Known: name, description, device, timeline.
  --set device=: expected a string, got nothing.
  --set 0.label=abcdefghi: expected at most 8 characters, got "abcdefghi".`,
  );
  assert(error instanceof UserError);
  assertEquals([error.file, error.line, error.column, error.key], ["c.yaml", 1, 1, "nam"]);
  assertEquals(error.problems.map(({ line }) => line), [
    ...[1, 2, 6, 7, 8, 9, 10, 12, 13],
    ...[undefined, undefined, undefined, undefined],
  ]);
  assertEquals(error.problems[3], {
    file: "c.yaml",
    line: 7,
    column: 14,
    key: "stages[0].with.count",
    reason: "expected at least 1, got 0.",
  });
});

Deno.test("parseConfig() names what the count is of", async () => {
  const fine = "name: x\nstages:\n  - use: count\n";
  const set = ["count.count=0", "count.mode=fsat"];
  const first = async (text: string, set: string[]) =>
    (await errorOf(text, { set })).message.split("\n")[0];
  assertEquals(await first(fine, set), "2 problems in --set:");
  assertEquals(await first(`${fine}    wiht: {}`, set), "3 problems in c.yaml and --set:");
  assertEquals(await first(`${fine}    wiht: {}\nnam: x`, []), "2 problems in c.yaml:");
});

Deno.test("parseConfig() does not tell of what may follow from something told", async () => {
  const cases: [text: string, set: string[], told: string[]][] = [
    // A misspelt key is not missing too.
    ["nam: x\nstages:\n  - use: count", [], ["c.yaml:1:1: nam: "]],
    ["name: x\nstage:\n  - use: count", [], ["c.yaml:2:1: stage: "]],
    ["name: x\nstages:\n  - us: count", [], ["c.yaml:3:5: stages[0].us: "]],
    [
      "name: x\nstages:\n  - use: shout\n    with: { mrk: a }",
      [],
      ["c.yaml:4:13: stages[0].with.mrk: "],
    ],
    ["name: x\nstages:\n  - use: shout\n    wth: { mark: a }", [], ["c.yaml:4:5: stages[0].wth: "]],
    // What an override means, where its stage could not be found.
    ["name: x\nstages:\n  - use: cuont", ["count.count=0"], ["c.yaml:3:10: stages[0].use: "]],
    [
      "name: x\nstages:\n  - use: count\n  - use: ./nowhere.ts",
      ["nowhere.by=0"],
      ["c.yaml:4:10: stages[1].use: "],
    ],
    [
      "name: x\nstages:\n  - use: count\n  - use: prnt",
      ["cuont.count=0"],
      ["c.yaml:4:10: stages[1].use: ", '--set cuont.count=0: there is no stage "cuont". Did you'],
    ],
    ["name: x\nstages: count", ["count.count=0"], ["c.yaml:2:9: stages: "]],
    // One stage too many gives two neighbours that do not fit.
    [
      "name: x\nstages:\n  - use: count\n  - use: shout\n    with: { mark: a }\n  - use: count",
      [],
      ["c.yaml:4:10: stages[1].use: "],
    ],
    // What stands on either side of a stage that is none.
    [
      "name: x\nstages:\n  - use: count\n  - use: prnt\n  - use: shout\n    with: { mark: a }",
      [],
      ["c.yaml:4:10: stages[1].use: "],
    ],
    // An anchor's text is wrong once.
    [
      "name: x\nstages:\n  - use: count\n    with: &a { count: 0 }\n  - use: count\n    with: *a",
      [],
      ["c.yaml:4:23: stages[0].with.count: "],
    ],
    // A syntax error makes others of what comes after it.
    ["name: [x\nstages:\n  - use: [count\n", [], ["c.yaml:2:1: this is no valid YAML."]],
  ];
  for (const [text, set, told] of cases) {
    const problems = await problemsOf(text, { set });
    assertEquals(problems.length, told.length, `${text}\n${problems.join("\n")}`);
    for (const [i, start] of told.entries()) {
      assert(problems[i]?.startsWith(start), `${text}\n${problems.join("\n")}`);
    }
  }
});

Deno.test("parseConfig() tells of two that are missing in one place, and of places far apart", async () => {
  assertEquals(await problemsOf("description: x"), [
    'c.yaml:1:1: the key "name" is missing: expected a string.',
    'c.yaml:1:1: the key "stages" is missing: expected a list.',
  ]);
  const shout = "  - use: shout\n    with: { mark: a }\n";
  assertEquals(
    await problemsOf(`name: x\nstages:\n  - use: count\n${shout}${shout}  - use: count\n`),
    [
      'c.yaml:4:10: stages[1].use: The stage "shout" cannot follow "count": expected text, got ' +
      'number. Between them fits "print".',
      'c.yaml:8:10: stages[3].use: The stage "count" cannot follow "shout": expected number, got text.',
    ],
  );
});

Deno.test("parseConfig() reads on after keys given twice, unknown tags and lost anchors", async () => {
  assertEquals(
    await problemsOf("name: !odd x\nname: y\nstages:\n  - use: count\n    with: { count: 0 }"),
    [
      "c.yaml:1:7: this is no valid YAML. Unresolved tag: !odd",
      'c.yaml:2:1: the key "name" is given twice: remove one of them.',
      "c.yaml:5:20: stages[0].with.count: expected at least 1, got 0.",
    ],
  );
  assertEquals(await problemsOf("name: *a\ndevice: *b\nname: y\nstages: []"), [
    "c.yaml:1:7: there is no anchor &a before this.",
    "c.yaml:2:9: there is no anchor &b before this.",
    'c.yaml:3:1: the key "name" is given twice: remove one of them.',
  ]);
});

Deno.test("parseConfig() asks `refuse` before it imports a module", async () => {
  const seen: unknown[] = [];
  const problems = await problemsOf(
    "name: x\nstages:\n  - use: ./nowhere.ts\n    with: { path: /x, count: 0 }\n  - use: count\n    with: { count: 0 }\n",
    {
      refuse: (stage) => {
        seen.push(stage.use);
        return stage.use === "count" ? [] : [
          { path: ["use"], reason: "not from here." },
          { path: ["with", "path"], reason: "not this." },
        ];
      },
    },
  );
  assertEquals(seen, ["./nowhere.ts", "count"]);
  assertEquals(problems, [
    "c.yaml:3:10: stages[0].use: not from here.",
    "c.yaml:4:19: stages[0].with.path: not this.",
    "c.yaml:6:20: stages[1].with.count: expected at least 1, got 0.",
  ]);
});

Deno.test("a ConfigError of no problems cannot be made", () => {
  assertThrows(() => new ConfigError([], "c.yaml"), TypeError, "says nothing");
});
