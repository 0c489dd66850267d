import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { definePlugin, isPlugin, nearestName, toKebab, UserError } from "../../pipeline/mod.ts";
import { stageOf } from "./_numbers.ts";
import { count, shout } from "./_plugins.ts";

Deno.test("definePlugin() gives a function with the definition's fields", () => {
  assertEquals([count.name, count.takes, count.gives], ["count", "number", "number"]);
  assertEquals(count.summary, "Counts up");
  assert(isPlugin(count));
  assertEquals(Object.keys(count).sort(), [
    "create",
    "gives",
    "name",
    "options",
    "summary",
    "takes",
  ]);
});

Deno.test("a plugin fills in defaults and keeps what was chosen", () => {
  const spec = count({ count: 9, nested: { loud: true } });
  assertEquals([spec.plugin, spec.takes, spec.gives], [count, "number", "number"]);
  assertEquals(spec.options, {
    count: 9,
    stepSize: 1,
    mode: "fast",
    factors: [1],
    limit: "none",
    nested: { innerValue: 7, loud: true },
    names: {},
  });
});

Deno.test("a plugin names the option it refuses, as configs spell it", () => {
  const bad: [options: unknown, message: string][] = [
    [{ count: 0 }, "count: expected at least 1, got 0."],
    [{ count: 101 }, "count: expected at most 100, got 101."],
    [{ count: 2.5 }, "count: expected a whole number, got 2.5."],
    [{ count: NaN }, "count: expected a number, got NaN."],
    [{ count: "2" }, `count: expected a number, got "2".`],
    [{ stepSize: 0.7 }, "step-size: expected a multiple of 0.5, got 0.7."],
    [{ mode: "fsat" }, `mode: expected one of "slow", "fast", got "fsat". Did you mean "fast"?`],
    [{ factors: [1, "x"] }, `factors[1]: expected a number, got "x".`],
    [{ limit: true }, `limit: expected "none" or a number, got true.`],
    [{ nested: { innerValue: "x" } }, `nested.inner-value: expected a number, got "x".`],
    [{ names: { camelCase: "x" } }, `names.camelCase: expected a number, got "x".`],
    [{ stepSzie: 1 }, `step-szie: there is no such option. Did you mean "step-size"?`],
    [{ "step-size": 1 }, `step-size: there is no such option. Did you mean "step-size"?`],
    [
      { nested: { inner: 1 } },
      `nested.inner: there is no such option. Did you mean "inner-value"?`,
    ],
    [[], "expected a mapping, got []."],
  ];
  for (const [options, message] of bad) {
    assertThrows(
      () => count(options as never),
      UserError,
      `The plugin "count" cannot take these options. ${message}`,
    );
  }
  assertThrows(() => shout(), UserError, "mark: it is missing: expected a string.");
});

Deno.test("a plugin tells of all refused options at once", () => {
  assertThrows(
    () => count({ count: 0, stepSize: 0.7 }),
    UserError,
    "count: expected at least 1, got 0.\nstep-size: expected a multiple of 0.5, got 0.7.",
  );
});

Deno.test("a plugin uses the words of a check of its own", () => {
  const plugin = definePlugin({
    name: "window",
    summary: "Checks two options together",
    takes: "number",
    gives: "number",
    options: z.object({ sink: z.int().default(0), chunk: z.int().default(3) })
      .refine(({ sink, chunk }) => sink + chunk <= 4, {
        message: "expected sink + chunk of at most 4",
        path: ["sink"],
      }),
    create: () => stageOf("window", "number", "number", (input) => input),
  });
  assertThrows(
    () => plugin({ sink: 2 }),
    UserError,
    "sink: expected sink + chunk of at most 4, got 2.",
  );
});

Deno.test("a plugin checks keys inside lists and unions", () => {
  const plugin = definePlugin({
    name: "paint",
    summary: "Paints",
    takes: "number",
    gives: "number",
    options: z.object({
      layers: z.array(z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("plain"), fillColour: z.string() }),
        z.object({ kind: z.literal("stripes"), lineWidth: z.int().min(1) }),
      ])),
      extra: z.looseObject({ knownKey: z.number() }).optional(),
    }),
    create: () => stageOf("paint", "number", "number", (input) => input),
  });
  const { options } = plugin({
    layers: [{ kind: "stripes", lineWidth: 2 }],
    extra: { knownKey: 1, anyKey: 2 },
  });
  assertEquals(options, {
    layers: [{ kind: "stripes", lineWidth: 2 }],
    extra: { knownKey: 1, anyKey: 2 },
  });
  const bad: [layer: unknown, message: string][] = [
    [{ kind: "stripes", lineWidth: 0 }, "layers[0].line-width: expected at least 1, got 0."],
    [
      { kind: "plain", fillColor: "red" },
      `layers[0].fill-color: there is no such option. Did you mean "fill-colour"?`,
    ],
  ];
  for (const [layer, message] of bad) {
    assertThrows(() => plugin({ layers: [layer] as never }), UserError, message);
  }
});

Deno.test("a plugin shows who wrote a list in the manner of a shell how one is written", () => {
  const plugin = definePlugin({
    ...{ name: "listed", summary: "Lists", takes: "number", gives: "number" },
    options: z.object({ steps: z.union([z.array(z.number()), z.number()]).optional() }),
    create: () => stageOf("listed", "number", "number", (input) => input),
  });
  assertThrows(
    () => plugin({ steps: "1000,500" as never }),
    UserError,
    'steps: expected a list or a number, got "1000,500". A list is written [1000,500].',
  );
});

Deno.test("toKebab() spells names as configs do", () => {
  assertEquals(["warpSteps", "crf", "h264Preset"].map(toKebab), [
    "warp-steps",
    "crf",
    "h264-preset",
  ]);
});

Deno.test("nearestName() finds what was meant, and nothing far off", () => {
  const known = ["latent-frames", "steps", "shift", "use"];
  const cases: [string, string | undefined][] = [
    ["latent-frame", "latent-frames"],
    ["latnet-frames", "latent-frames"],
    ["latent", "latent-frames"],
    ["stesp", "steps"],
    ["used", "use"],
    ["eus", undefined],
    ["colour", undefined],
    ["x", undefined],
  ];
  for (const [name, expected] of cases) assertEquals(nearestName(name, known), expected, name);
  assertEquals(nearestName("x", []), undefined);
});
