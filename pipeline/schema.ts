import { z } from "zod";
import { isRecord } from "./_options.ts";
import { toKebab } from "./names.ts";
import type { AnyPlugin } from "./plugin.ts";
import { MODULE_ADDRESS } from "./registry.ts";
import { timePattern } from "./timeline.ts";

/** A JSON Schema as plain data. */
export type JsonSchema = Record<string, unknown>;

/** JSON Schema (draft 2020-12) of config files that use these plugins, for editors. */
export function configSchema(plugins: readonly AnyPlugin[]): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Sluice pipeline",
    type: "object",
    properties: {
      $schema: { type: "string" },
      name: { type: "string", minLength: 1, description: "Name of the pipeline" },
      description: { type: "string", minLength: 1, description: "What it is for, in a line" },
      device: {
        type: "string",
        minLength: 1,
        description: "Where networks run: cpu, webgpu, cuda or cuda:n",
      },
      timeline: {
        type: "array",
        description: "Prompts that take the place of a run's own in the course of the video",
        items: {
          type: "object",
          properties: {
            at: {
              description: "When: seconds of the video such as 2.5s or 2.5, or 1:05",
              anyOf: [
                { type: "number", exclusiveMinimum: 0 },
                { type: "string", pattern: timePattern.source },
              ],
            },
            prompt: { type: "string", minLength: 1, description: "What to show from there on" },
          },
          required: ["at", "prompt"],
          additionalProperties: false,
        },
      },
      stages: {
        type: "array",
        minItems: 1,
        description: "Stages in the order data flows",
        items: stageSchema(plugins),
      },
    },
    required: ["name", "stages"],
    additionalProperties: false,
  };
}

/** JSON Schema of a plugin's options in the spelling of configs. */
export function optionsSchema(plugin: AnyPlugin): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(plugin.options, {
    io: "input",
    unrepresentable: "any",
  });
  return respell(schema);
}

function stageSchema(plugins: readonly AnyPlugin[]): JsonSchema {
  return {
    type: "object",
    properties: {
      use: {
        description: "A plugin's name, or a module: ./file.ts, npm:package, https://…",
        anyOf: [
          ...plugins.map(({ name, summary }) => ({ const: name, description: summary })),
          { type: "string", pattern: MODULE_ADDRESS.source },
        ],
      },
      with: { type: ["object", "null"], description: "Options of the plugin" },
    },
    required: ["use"],
    additionalProperties: false,
    allOf: plugins.map((plugin) => {
      const options = optionsSchema(plugin);
      const required = Array.isArray(options.required) && options.required.length > 0;
      return {
        if: { properties: { use: { const: plugin.name } }, required: ["use"] },
        then: {
          properties: { with: options },
          ...(required ? { required: ["with"] } : {}),
        },
      };
    }),
  };
}

/** Keys of objects in kebab-case; no further ones, unless the schema says what they are. */
function respell(schema: JsonSchema): JsonSchema {
  const { properties } = schema;
  const result: JsonSchema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties" && isRecord(value)) {
      result[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [toKebab(name), respell(inner as JsonSchema)]),
      );
    } else if (key === "required" && Array.isArray(value)) result[key] = value.map(toKebab);
    else if (key === "default" && properties !== undefined && isRecord(value)) {
      result[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [toKebab(name), inner]),
      );
    } else if (key === "default" || key === "const" || key === "enum") result[key] = value;
    else if (Array.isArray(value)) {
      result[key] = value.map((each) => isRecord(each) ? respell(each) : each);
    } else result[key] = isRecord(value) ? respell(value) : value;
  }
  if (properties !== undefined) result.additionalProperties ??= false;
  return result;
}
