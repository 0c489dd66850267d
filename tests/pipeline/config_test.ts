import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  ConfigError,
  configToPipeline,
  describeConfig,
  formatConfig,
  loadConfig,
  parseConfig,
  UserError,
} from "../../pipeline/mod.ts";
import { plugins } from "./_plugins.ts";

const FIXTURES = fromFileUrl(new URL("./fixtures", import.meta.url));
const COUNT = "name: x\nstages:\n  - use: count\n";
const OPTIONS = "Known: count, step-size, mode, factors, label, limit, nested, names.";
const NO_YAML = "this is no valid YAML.";

function parse(text: string, set: string[] = []) {
  return parseConfig(text, { file: "c.yaml", plugins, directory: FIXTURES, set });
}

async function errorOf(text: string, set?: string[]): Promise<ConfigError> {
  return await assertRejects(() => parse(text, set), ConfigError);
}

Deno.test("parseConfig() reads YAML and JSON alike", async () => {
  const yaml = await parse(`
name: words
description: Counts aloud
device: webgpu
stages:
  - use: count
    with: { step-size: 2.5, nested: { inner-value: 1 }, names: { camelCase: 1, kebab-case: 2 } }
  - use: print
    with:
  - use: shout
    with: { mark: "!" }
`);
  const json = await parse(JSON.stringify({
    $schema: "./schema.json",
    name: "words",
    description: "Counts aloud",
    device: "webgpu",
    stages: [
      {
        use: "count",
        with: {
          "step-size": 2.5,
          nested: { "inner-value": 1 },
          names: { camelCase: 1, "kebab-case": 2 },
        },
      },
      { use: "print" },
      { use: "shout", with: { mark: "!" } },
    ],
  }));
  assertEquals(yaml, json);
  assertEquals([yaml.name, yaml.description, yaml.device, yaml.file], [
    "words",
    "Counts aloud",
    "webgpu",
    "c.yaml",
  ]);
  assertEquals(yaml.stages[0]?.spec.options, {
    count: 3,
    stepSize: 2.5,
    mode: "fast",
    factors: [1],
    limit: "none",
    nested: { innerValue: 1, loud: false },
    names: { camelCase: 1, "kebab-case": 2 },
  });
});

Deno.test("configToPipeline() runs what the config declares", async () => {
  const pipeline = configToPipeline(
    await parse(
      COUNT + "    with: { count: 2 }\n  - use: print\n  - use: shout\n    with: { mark: '!' }",
    ),
  );
  assertEquals([pipeline.takes, pipeline.gives], ["number", "text"]);
  await using open = await pipeline.open();
  assertEquals(await Array.fromAsync(open.run(4)), ["4!", "5!"]);
});

Deno.test("parseConfig() names line, column and key of every mistake", async () => {
  const bad: [text: string, message: string][] = [
    // Keys.
    [
      `${COUNT}    with: { cuont: 3 }`,
      `c.yaml:4:13: stages[0].with.cuont: there is no such option. Did you mean "count"? ${OPTIONS}`,
    ],
    [
      `${COUNT}    with:\n      stepSize: 3`,
      `c.yaml:5:7: stages[0].with.stepSize: there is no such option. Did you mean "step-size"? ${OPTIONS}`,
    ],
    [
      `${COUNT}    with: { nested: { inner-valeu: 1 } }`,
      `c.yaml:4:23: stages[0].with.nested.inner-valeu: there is no such option. Did you mean "inner-value"? Known: inner-value, loud.`,
    ],
    [
      `${COUNT}    wiht: {}`,
      `c.yaml:4:5: stages[0].wiht: there is no such key. Did you mean "with"? Known: use, with.`,
    ],
    [
      `nam: x\nstages:\n  - use: count`,
      `c.yaml:1:1: nam: there is no such key. Did you mean "name"? Known: name, description, device, timeline, stages.`,
    ],
    [
      `name: x\nname: y\nstages:\n  - use: count`,
      `c.yaml:2:1: the key "name" is given twice: remove one of them.`,
    ],
    [
      `${COUNT}    with: { count: 1, "count": 2 }`,
      `c.yaml:4:23: the key "count" is given twice: remove one of them.`,
    ],
    // Types and ranges.
    [
      `${COUNT}    with:\n      count: lots`,
      `c.yaml:5:14: stages[0].with.count: expected a number, got "lots".`,
    ],
    [
      `${COUNT}    with: { count: 0 }`,
      "c.yaml:4:20: stages[0].with.count: expected at least 1, got 0.",
    ],
    [
      `${COUNT}    with: { count: 1.5 }`,
      "c.yaml:4:20: stages[0].with.count: expected a whole number, got 1.5.",
    ],
    [
      `${COUNT}    with: { mode: fsat }`,
      `c.yaml:4:19: stages[0].with.mode: expected one of "slow", "fast", got "fsat". Did you mean "fast"?`,
    ],
    [
      `${COUNT}    with: { factors: [1, two] }`,
      `c.yaml:4:26: stages[0].with.factors[1]: expected a number, got "two".`,
    ],
    [
      `${COUNT}    with: { label: abcdefghijkl }`,
      `c.yaml:4:20: stages[0].with.label: expected at most 8 characters, got "abcdefghijkl".`,
    ],
    [
      `${COUNT}    with: { nested: { inner-value: a } }`,
      `c.yaml:4:36: stages[0].with.nested.inner-value: expected a number, got "a".`,
    ],
    [`${COUNT}    with: 3`, "c.yaml:4:11: stages[0].with: expected a mapping of options, got 3."],
    [
      `name: x\nstages:\n  - use: shout`,
      "c.yaml:3:5: stages[0].with.mark: it is missing: expected a string.",
    ],
    [`name: 3\nstages:\n  - use: count`, "c.yaml:1:7: name: expected a string, got 3."],
    [`name: ""\nstages:\n  - use: count`, "c.yaml:1:7: name: expected a string, got an empty one."],
    [`name: x\nstages: count`, `c.yaml:2:9: stages: expected a list of stages, got "count".`],
    [`name: x\nstages: []`, "c.yaml:2:9: stages: expected at least one stage, got none."],
    [
      `name: x\nstages:\n  - count`,
      `c.yaml:3:5: stages[0]: expected a mapping with use, got "count". Write "use: count".`,
    ],
    [
      `name: x\nstages:\n  - with: {}`,
      `c.yaml:3:5: stages[0]: the key "use" is missing: expected a string.`,
    ],
    [`name: x`, `c.yaml:1:1: the key "stages" is missing: expected a list.`],
    [`stages:\n  - use: count`, `c.yaml:1:1: the key "name" is missing: expected a string.`],
    // Plugins and their order.
    [
      `name: x\nstages:\n  - use: cuont`,
      `c.yaml:3:10: stages[0].use: there is no plugin "cuont". Did you mean "count"? Known: count, print, shout. A module of your own is named by ./file.ts, npm:package or https://….`,
    ],
    [
      `${COUNT}  - use: shout\n    with: { mark: "!" }`,
      `c.yaml:4:10: stages[1].use: The stage "shout" cannot follow "count": expected text, got number. Between them fits "print".`,
    ],
    [
      `${COUNT}  - use: print\n  - use: ./halve.ts`,
      `c.yaml:5:10: stages[2].use: The stage "halve" cannot follow "print": expected number, got text.`,
    ],
    // YAML.
    ["", "c.yaml: the file is empty: expected a pipeline with a name and stages."],
    ["# nothing yet\n", "c.yaml: the file is empty: expected a pipeline with a name and stages."],
    ["- a", "c.yaml:1:1: expected a mapping with name and stages, got a list."],
    ["just text", `c.yaml:1:1: expected a mapping with name and stages, got "just text".`],
    [
      "name: [x\nstages:",
      `c.yaml:2:1: ${NO_YAML} Flow sequence in block collection must be sufficiently indented and end with a ]`,
    ],
    ["name: x\n\tstages: []", `c.yaml:2:1: ${NO_YAML} Tabs are not allowed as indentation`],
    ["name: !odd x\nstages:\n  - use: count", `c.yaml:1:7: ${NO_YAML} Unresolved tag: !odd`],
    ["stages: []\nname: *x", "c.yaml:2:7: there is no anchor &x before this."],
    [
      `${COUNT}---\nname: y`,
      "c.yaml:4:1: expected one document: remove this line and what follows it.",
    ],
    [
      `{\n "name": "x",\n "stages": [{ "use": "count", "with": { "count": "a" } }]\n}`,
      `c.yaml:3:50: stages[0].with.count: expected a number, got "a".`,
    ],
  ];
  for (const [text, message] of bad) assertEquals((await errorOf(text)).message, message);
});

Deno.test("a ConfigError is a user's mistake that knows its place", async () => {
  const error = await errorOf(`${COUNT}    with:\n      count: lots`);
  assert(error instanceof UserError);
  assertEquals([error.file, error.line, error.column, error.key], [
    "c.yaml",
    5,
    14,
    "stages[0].with.count",
  ]);
});

Deno.test("parseConfig() finds places behind anchors", async () => {
  const error = await errorOf(
    `name: x\nstages:\n  - use: count\n    with: &same\n      count: 0\n  - use: count\n    with: *same`,
  );
  assertEquals(error.message, "c.yaml:5:14: stages[0].with.count: expected at least 1, got 0.");
});

Deno.test("parseConfig() refuses a bomb of aliases", async () => {
  const lists = Array.from(
    { length: 9 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`,
  );
  const error = await errorOf(`l0: &l0 [a, b]\n${lists.join("\n")}`);
  assert(
    /^c\.yaml: this cannot be read\. Excessive alias count/.test(error.message),
    error.message,
  );
});

Deno.test("overrides replace values, as YAML writes them", async () => {
  const config = await parse(`${COUNT}    with: { count: 2, label: old }\n  - use: print`, [
    "count.count=9",
    "count.factors=[1000, 0.5]",
    "count.label=a b",
    "count.nested.inner-value=3",
    "count.names={ a: 1 }",
    "print.digits=2",
    "1.digits=4",
    "device=cuda:1",
    "name=other",
  ]);
  assertEquals(describeConfig(config), {
    name: "other",
    device: "cuda:1",
    stages: [
      {
        use: "count",
        with: {
          count: 9,
          "step-size": 1,
          mode: "fast",
          factors: [1000, 0.5],
          label: "a b",
          limit: "none",
          nested: { "inner-value": 3, loud: false },
          names: { a: 1 },
        },
      },
      { use: "print", with: { digits: 4 } },
    ],
  });
});

Deno.test("overrides choose one of two stages of a name by its place", async () => {
  const config = await parse(`${COUNT}  - use: count`, ["1.count=7"]);
  assertEquals(config.stages.map(({ spec }) => (spec.options as { count: number }).count), [3, 7]);
});

Deno.test("overrides that are wrong are named as they were written", async () => {
  const bad: [set: string, message: string][] = [
    ["count.count=lots", `expected a number, got "lots".`],
    ["count.count=0", "expected at least 1, got 0."],
    ["count.count=", "expected a number, got null."],
    ["count.cuont=3", `there is no such option. Did you mean "count"? ${OPTIONS}`],
    [
      "count.nested.inner=3",
      `there is no such option. Did you mean "inner-value"? Known: inner-value, loud.`,
    ],
    ["count.factors=[1", "the value is no valid YAML: quote it. Flow sequence must end with a ]"],
    ["cuont.count=3", `there is no stage "cuont". Did you mean "count"? Known: count, print.`],
    ["2.count=3", `there is no stage "2". Known: count, print.`],
    ["count=3", `which option of "count"? Expected count.option=value.`],
    [
      "dveice=cpu",
      `there is no such key. Did you mean "device"? Known: name, description, device, timeline.`,
    ],
    ["step-size=3", "there is no such key. Did you mean count.step-size?"],
    ["device=3", "expected a string, got 3."],
    ["count.count", "expected stage.option=value, such as diffuse.latent-frames=9."],
    ["=3", "expected stage.option=value, such as diffuse.latent-frames=9."],
    ["count.=3", "an option's name is missing."],
  ];
  for (const [set, message] of bad) {
    const error = await errorOf(`${COUNT}  - use: print`, [set]);
    assertEquals(error.message, `--set ${set}: ${message}`);
  }
  const twice = await errorOf(`${COUNT}  - use: count`, ["count.count=3"]);
  assertEquals(
    twice.message,
    `--set count.count=3: "count" is the name of 2 stages: write 0.… or 1.… to choose one by its place.`,
  );
});

Deno.test("an override mends what the file has wrong", async () => {
  const config = await parse(`${COUNT}    with: { count: lots }`, ["count.count=4"]);
  assertEquals((config.stages[0]?.spec.options as { count: number }).count, 4);
});

Deno.test("formatConfig() writes what loads again as the same pipeline", async () => {
  const config = await parse(
    `${COUNT}    with: { factors: [1, 2], names: { camelCase: 1 } }\n  - use: ./halve.ts`,
  );
  const text = formatConfig(config);
  assertEquals(
    text,
    `name: x
stages:
  - use: count
    with:
      count: 3
      step-size: 1
      mode: fast
      factors: [ 1, 2 ]
      limit: none
      nested:
        inner-value: 7
        loud: false
      names:
        camelCase: 1
  - use: ./halve.ts
    with:
      by: 2
`,
  );
  assertEquals(describeConfig(await parse(text)), describeConfig(config));
});

Deno.test("loadConfig() loads a third party's plugin from beside the file", async () => {
  const config = await loadConfig(`${FIXTURES}/halve.yaml`, { plugins });
  assertEquals(config.stages.map(({ use, spec }) => [use, spec.plugin.name]), [
    ["count", "count"],
    ["./halve.ts", "halve"],
  ]);
  await using open = await configToPipeline(config).open();
  assertEquals(await Array.fromAsync(open.run(8)), [2, 2.25]);
  const set = await loadConfig(`${FIXTURES}/halve.yaml`, { plugins, set: ["halve.by=8"] });
  assertEquals(set.stages[1]?.spec.options, { by: 8 });
});

Deno.test("loadConfig() names the file that it cannot read", async () => {
  await assertRejects(
    () => loadConfig(`${FIXTURES}/nope.yaml`, { plugins }),
    ConfigError,
    `${FIXTURES}/nope.yaml: there is no such file.`,
  );
  await assertRejects(
    () => loadConfig(FIXTURES, { plugins }),
    ConfigError,
    `${FIXTURES}: the file could not be read: `,
  );
});
