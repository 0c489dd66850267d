import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describeConfig, formatConfig, parseConfig } from "../../pipeline/config.ts";
import { ConfigError, UserError } from "../../pipeline/errors.ts";
import { configSchema } from "../../pipeline/schema.ts";
import { formatTime, parseTime, pictureAt, timeline } from "../../pipeline/timeline.ts";
import { plugins } from "./_plugins.ts";

Deno.test("parseTime() reads seconds, and minutes with seconds", () => {
  const times = {
    "2.5s": 2.5,
    "2.5": 2.5,
    " 3 s": 3,
    "0": 0,
    ".5": 0.5,
    "1:05": 65,
    "1:5.5": 65.5,
  };
  for (const [text, seconds] of Object.entries(times)) {
    assertEquals(parseTime(text), seconds, text);
  }
  for (const text of ["", "s", "-2", "+2", "40f", "1e3", "2,5", "1:65", "1:05s", "1:", "1:2:3"]) {
    assertEquals(parseTime(text), undefined, text);
  }
});

Deno.test("formatTime() writes seconds, from a minute on as on a clock", () => {
  assertEquals(
    [2.5, 4.3125, 59.999, 65, 600.5].map(formatTime),
    ["2.5 s", "4.31 s", "1:00", "1:05", "10:00.5"],
  );
});

Deno.test("pictureAt() gives the first picture that is not earlier, whatever rounding does", () => {
  assertEquals([2.5, 2.501, 2.5625].map((time) => pictureAt(time, 16)), [40, 41, 41]);
  // 0.3 * 10 and 1.1 * 10 are a little more than 3 and 11 in binary.
  assertEquals([0.3, 1.1].map((time) => pictureAt(time, 10)), [3, 11]);
});

Deno.test("timeline() sorts what follows and counts it in pictures", () => {
  const first = { text: "a", seed: 3, then: [{ from: 9, text: "old" }] };
  const later = [{ at: 4, prompt: "c" }, { at: 2.51, prompt: "b" }];
  assertEquals(timeline(first, later, { fps: 16 }), {
    text: "a",
    seed: 3,
    then: [{ from: 41, text: "b" }, { from: 64, text: "c" }],
  });
  assertEquals(timeline(first, [], { fps: 16 }), { text: "a", seed: 3 });
});

Deno.test("timeline() refuses times that are none, and two that are the same", () => {
  for (const at of [0, -1, NaN, Infinity]) {
    assertThrows(
      () => timeline({ text: "a" }, [{ at, prompt: "b" }], { fps: 16 }),
      UserError,
      `The prompt "b" cannot begin at ${at} s: expected a time above 0`,
    );
  }
  assertThrows(
    () => timeline({ text: "a" }, [{ at: 65, prompt: "b" }, { at: 65, prompt: "c" }], { fps: 16 }),
    UserError,
    'Two prompts begin at 1:05: "b" and "c".',
  );
});

const parse = (timeline: string) =>
  parseConfig(`name: t\ntimeline: ${timeline}\nstages: [{ use: count }]\n`, {
    plugins,
    file: "t.yaml",
  });

Deno.test("parseConfig() reads a timeline, which a config gives again", async () => {
  const config = await parse(
    `[{ at: 1:05, prompt: c }, { at: 2.5s, prompt: a }, { at: 3, prompt: b }]`,
  );
  const timeline = [
    { at: 2.5, prompt: "a" },
    { at: 3, prompt: "b" },
    { at: 65, prompt: "c" },
  ];
  assertEquals(config.timeline, timeline);
  assertEquals(describeConfig(config).timeline, timeline);
  const again = await parseConfig(formatConfig(config), { plugins, file: "again.yaml" });
  assertEquals(again.timeline, timeline);
  assertEquals((await parse("[]")).timeline, []);
  assertEquals("timeline" in describeConfig(await parse("[]")), false);
});

const PROBLEMS: [timeline: string, message: string][] = [
  ["2.5", "timeline: expected a list of times and prompts"],
  ["[later]", "timeline[0]: expected a mapping with at and prompt, got"],
  ["[{ at: 2 }]", 'the key "prompt" is missing: expected a string'],
  ["[{ prompt: a }]", 'the key "at" is missing: expected seconds such as 2.5s or 2.5, or minutes'],
  [
    "[{ at: -2, prompt: a }]",
    "timeline[0].at: expected a time above 0, seconds such as 2.5s or 2.5",
  ],
  ["[{ at: 40f, prompt: a }]", 'got "40f"'],
  ["[{ at: 0, prompt: a }]", "expected a time above 0"],
  ["[{ at: [1], prompt: a }]", "expected a time above 0"],
  [
    '[{ at: 2, prompt: " " }]',
    "timeline[0].prompt: expected what to show from there on, got white",
  ],
  ["[{ at: 2, promt: a }]", 'there is no such key. Did you mean "prompt"?'],
  [
    "[{ at: 2, prompt: a }, { at: 2.0s, prompt: b }]",
    "timeline[1].at: another prompt begins at 2 s",
  ],
];
for (const [timeline, message] of PROBLEMS) {
  Deno.test(`parseConfig() refuses the timeline ${timeline}`, async () => {
    const error = await assertRejects(() => parse(timeline), ConfigError, message);
    assertEquals(error.message.startsWith("t.yaml:2:"), true, error.message);
  });
}

Deno.test("configSchema() knows a timeline and how a time is written", () => {
  const { properties } = configSchema(plugins) as {
    properties: { timeline: { items: { properties: { at: { anyOf: { pattern?: string }[] } } } } };
  };
  const { anyOf } = properties.timeline.items.properties.at;
  const pattern = new RegExp(anyOf[1]!.pattern!);
  assertEquals(["2.5s", "1:05", "40f"].map((text) => pattern.test(text)), [true, true, false]);
});
