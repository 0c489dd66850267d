/** Flags of the plugins' options, from their schemas: `--diffuse-window 9`. */
import { z } from "zod";
import { toKebab } from "../pipeline/names.ts";
import type { AnyPlugin } from "../pipeline/plugin.ts";

/** The part of JSON Schema that an option is described by. */
interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Property;
  readonly anyOf?: readonly Property[];
  readonly const?: unknown;
}

/** A plugin's option as lists show it. */
export interface OptionInfo {
  /** As configs and flags write it, such as `warp-steps`. */
  readonly name: string;
  /** In words: `integer`, `number[]`, `"mp4" | "webm"`. */
  readonly type: string;
  readonly description: string;
  /** Absent where leaving it out means something of its own. */
  readonly default?: unknown;
  /** Its values, where it has a fixed set of words. */
  readonly values?: readonly string[];
}

/** A flag that sets an option of every stage of a plugin. */
export interface PluginFlag {
  readonly plugin: string;
  readonly option: OptionInfo;
  /** Without the hyphens, such as `diffuse-window`. */
  readonly flag: string;
  /** Key among the parsed options, such as `diffuseWindow`. */
  readonly key: string;
  /** The type of its value for the command's declaration. */
  readonly type: string;
  readonly description: string;
}

/** The options of a plugin, in the order of its schema. */
export function optionsOf(plugin: AnyPlugin): OptionInfo[] {
  const schema = z.toJSONSchema(plugin.options, { io: "input", unrepresentable: "any" });
  const properties = Object.entries(schema.properties ?? {}) as [string, Property][];
  return properties.map(([name, property]) => ({
    name: toKebab(name),
    type: typeName(property),
    description: property.description ?? "",
    ...("default" in property && { default: property.default }),
    ...(isWords(property.enum) && { values: property.enum }),
  }));
}

function isWords(values: readonly unknown[] | undefined): values is readonly string[] {
  return values !== undefined && values.every((value) => typeof value === "string");
}

function typeName(property: Property): string {
  if (property.enum) return property.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (property.anyOf) return property.anyOf.map(typeName).join(" | ");
  if ("const" in property) return JSON.stringify(property.const);
  if (property.type === "array") {
    const items = property.items ? typeName(property.items) : "value";
    return items.includes(" ") ? `(${items})[]` : `${items}[]`;
  }
  return property.type ?? "value";
}

/** Types that the command line checks by itself; the rest are texts for the plugin to judge. */
const CHECKED = new Set(["integer", "number", "boolean", "integer[]", "number[]"]);

/**
 * The flags of the options of these plugins, plugin by plugin. An option that has options of its own
 * gets none: `--set` reaches inside.
 */
export function pluginFlags(plugins: readonly AnyPlugin[]): PluginFlag[] {
  return plugins.flatMap((plugin) =>
    optionsOf(plugin).filter(({ type }) => type !== "object").map((option) => {
      const flag = `${plugin.name}-${option.name}`;
      const { description } = option;
      const end = option.default === undefined ? "" : ` (default: ${showValue(option.default)})`;
      return {
        plugin: plugin.name as string,
        option,
        flag,
        key: flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
        type: option.values ? flag : CHECKED.has(option.type) ? option.type : "string",
        description: `${description.replace(/\.$/, "")}${end}.`,
      };
    })
  );
}

/** A value as a person would write it on the command line. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(showValue).join(",");
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}
