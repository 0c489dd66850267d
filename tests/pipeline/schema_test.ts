import { assert, assertEquals } from "@std/assert";
import { configSchema, optionsSchema } from "../../pipeline/mod.ts";
import { count, plugins, shout } from "./_plugins.ts";

Deno.test("optionsSchema() spells options as configs do", () => {
  const { properties, additionalProperties, required } = optionsSchema(count) as {
    properties: Record<string, Record<string, unknown>>;
    additionalProperties: boolean;
    required?: string[];
  };
  assertEquals(Object.keys(properties), [
    "count",
    "step-size",
    "mode",
    "factors",
    "label",
    "limit",
    "nested",
    "names",
  ]);
  assertEquals([additionalProperties, required], [false, undefined]);
  assertEquals(properties.count, {
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: 3,
    description: "How many",
  });
  assertEquals(properties.mode, { type: "string", enum: ["slow", "fast"], default: "fast" });
  assertEquals(properties.nested, {
    type: "object",
    default: {},
    properties: {
      "inner-value": { type: "number", default: 7 },
      loud: { type: "boolean", default: false },
    },
    additionalProperties: false,
  });
  // Keys of a record are the user's own.
  assertEquals(properties.names?.additionalProperties, { type: "number" });
  assertEquals(optionsSchema(shout).required, ["mark"]);
});

Deno.test("configSchema() gives each plugin's name its own options", () => {
  const schema = configSchema(plugins) as {
    $schema: string;
    required: string[];
    additionalProperties: boolean;
    properties: {
      stages: {
        items: {
          properties: { use: { anyOf: Record<string, string>[] } };
          allOf: { if: unknown; then: unknown }[];
        };
      };
    };
  };
  assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assertEquals([schema.required, schema.additionalProperties], [["name", "stages"], false]);
  const { properties: { use }, allOf } = schema.properties.stages.items;
  assertEquals(use.anyOf.slice(0, 3).map((each) => each.const), ["count", "print", "shout"]);
  const pattern = new RegExp(use.anyOf[3]?.pattern ?? "^$");
  for (const each of ["./a.ts", "../a.ts", "/a.ts", "npm:a", "https://a/b.ts"]) {
    assert(pattern.test(each), each);
  }
  assert(!pattern.test("cuont"));
  assertEquals(allOf[2], {
    if: { properties: { use: { const: "shout" } }, required: ["use"] },
    then: { properties: { with: optionsSchema(shout) }, required: ["with"] },
  });
  // It is JSON through and through.
  assertEquals(JSON.parse(JSON.stringify(schema)), schema);
});
