import type { z } from "zod";
import { nearestName, suggestName, toKebab } from "./names.ts";

type Schema = z.core.$ZodType;
type Path = readonly PropertyKey[];

/** Why an option cannot be used. */
export interface OptionProblem {
  /** In the spelling of configs: kebab-case keys and places in lists. */
  readonly path: Path;
  /** A sentence without the option's name: expected …, got …. */
  readonly reason: string;
  /** No schema knows the name. */
  readonly unknown: boolean;
  /** It was to be there, and is not. */
  readonly missing?: boolean;
}

export type CheckedOptions =
  | { readonly options: unknown; readonly problems?: never }
  | { readonly problems: readonly OptionProblem[] };

/**
 * Checks `value` against a plugin's schema, and gives every problem. `kebab` says how its keys are
 * spelt: as in configs, or as in code. Keys that no schema knows are problems at any depth.
 */
export function checkOptions(schema: z.ZodObject, value: unknown, kebab: boolean): CheckedOptions {
  const unknown: (OptionProblem & { readonly meant: string | undefined })[] = [];
  const read = kebab ? toKebab : (name: string) => name;
  const renamed = renameKeys(schema, value, (shape, key, path) => {
    const name = Object.keys(shape).find((each) => read(each) === key);
    if (name === undefined) {
      const known = Object.keys(shape).map(toKebab);
      const spelt = toKebab(key);
      unknown.push({
        path: [...path, kebab ? key : spelt],
        reason: `there is no such option.${suggestName(spelt, known)}`,
        unknown: true,
        meant: nearestName(spelt, known),
      });
    }
    return name ?? key;
  });
  if (unknown.length === 0) {
    const result = schema.safeParse(renamed);
    if (result.success) return { options: result.data };
    const issues = withoutConsequences(result.error.issues);
    return { problems: issues.map((issue) => problemOf(schema, issue, renamed)) };
  }
  // An option that is missing since its name is misspelt is one problem, not two.
  const misspelt = unknown.map(({ path, meant }) =>
    [...path.slice(0, -1).map((key) => toKebab(String(key))), meant].join("\n")
  );
  const others = issuesOfEach(schema, renamed).map((issue) => problemOf(schema, issue, renamed))
    .filter(({ path, missing }) => !(missing && misspelt.includes(path.join("\n"))));
  return { problems: [...unknown, ...others] };
}

/** Of an option that is wrong by itself, what a plugin's own check says only follows from it. */
function withoutConsequences(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const pathOf = ({ path }: z.core.$ZodIssue) => path.map(String).join("\n");
  const wrong = new Set(issues.filter(({ code }) => code !== "custom").map(pathOf));
  return issues.filter((issue) => issue.code !== "custom" || !wrong.has(pathOf(issue)));
}

/** What is wrong with each option by itself: how they go together nobody knows while one is unknown. */
function issuesOfEach(schema: z.ZodObject, value: unknown): z.core.$ZodIssue[] {
  if (!isRecord(value)) return [];
  return Object.entries(schema.shape).flatMap(([key, each]) => {
    const { error } = (each as z.ZodType).safeParse(value[key]);
    return (error?.issues ?? []).filter(({ code }) => code !== "unrecognized_keys")
      .map((issue) => ({ ...issue, path: [key, ...issue.path] }));
  });
}

/** Validated options in the spelling of configs; options that were left out stay out. */
export function spellOptions(schema: z.ZodObject, options: unknown): Record<string, unknown> {
  return renameKeys(schema, options, (_, key) => toKebab(key)) as Record<string, unknown>;
}

type Rename = (shape: Readonly<Record<string, Schema>>, key: string, path: Path) => string;

/** Renames the keys that schemas define; the keys of records are the user's own and stay. */
function renameKeys(schema: Schema, value: unknown, rename: Rename, path: Path = []): unknown {
  if (Array.isArray(value)) {
    return value.map((item, i) =>
      renameKeys(itemSchema(schema, value, i), item, rename, [...path, i])
    );
  }
  if (!isRecord(value)) return value;
  const { shape, rest } = objectParts(schema, value);
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => {
      const name = shape === undefined || (rest && !(key in shape))
        ? key
        : rename(shape, key, path);
      const inner = shape?.[name] ?? shape?.[key] ?? itemSchema(schema, value, key);
      return [name, renameKeys(inner, item, rename, [...path, key])];
    }),
  );
}

interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly catchall?: Schema;
  readonly element?: Schema;
  readonly items?: readonly Schema[];
  readonly valueType?: Schema;
  readonly options?: readonly Schema[];
}

/** What a schema is made of, below `optional`, `default` and the like. */
function definitionOf(schema: Schema): Definition {
  const definition = schema._zod.def as unknown as Definition;
  const inner = definition.innerType ?? definition.in;
  return inner === undefined ? definition : definitionOf(inner);
}

/** The shape that describes `value`, and whether further keys are welcome beside it. */
function objectParts(schema: Schema, value: Record<string, unknown>): {
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly rest?: boolean;
} {
  const { type, shape, catchall, options } = definitionOf(schema);
  if (type === "object" && shape !== undefined) {
    // Without a prototype: an option called "constructor" is as unknown as any other.
    const own: Readonly<Record<string, Schema>> = Object.assign(Object.create(null), shape);
    return { shape: own, rest: catchall !== undefined && definitionOf(catchall).type !== "never" };
  }
  if (type !== "union") return {};
  const parts = (options ?? []).map((option) => objectParts(option, value))
    .filter((part) => part.shape !== undefined);
  const names = Object.keys(value).map(toKebab);
  return parts.find(({ shape = {} }) => {
    const known = Object.keys(shape).map(toKebab);
    return names.every((name) => known.includes(name));
  }) ?? parts[0] ?? {};
}

/** The schema of what stands under `key`, or `schema` itself where none is known. */
function itemSchema(schema: Schema, value: unknown, key: PropertyKey): Schema {
  const { element, items, valueType, options } = definitionOf(schema);
  const { shape } = isRecord(value) ? objectParts(schema, value) : {};
  const list = options?.find((option) => definitionOf(option).type === "array");
  return shape?.[String(key)] ?? element ?? items?.[Number(key)] ?? valueType ??
    (Array.isArray(value) && list !== undefined ? itemSchema(list, value, key) : schema);
}

function problemOf(schema: Schema, issue: z.core.$ZodIssue, value: unknown): OptionProblem {
  const path: PropertyKey[] = [];
  let [at, inside]: [Schema, unknown] = [schema, value];
  for (const key of issue.path) {
    const named = isRecord(inside) && objectParts(at, inside).shape !== undefined;
    path.push(named ? toKebab(String(key)) : key);
    at = itemSchema(at, inside, key);
    inside = (inside as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  if (issue.code === "custom") {
    // A plugin's own sentence may have said already what it got.
    const got = /\bgot\b/.test(issue.message) ? "" : `, got ${show(inside)}`;
    return { path, reason: `${issue.message}${got}.`, unknown: false };
  }
  const nearest = issue.code === "invalid_value" && typeof inside === "string"
    ? nearestOf(inside, issue.values)
    : "";
  const reason = inside === undefined
    ? `it is missing: expected ${expectation(issue)}.`
    : `expected ${expectation(issue)}, got ${show(inside)}.${nearest}${listOf(issue, inside)}`;
  return { path, reason, unknown: false, missing: inside === undefined };
}

function nearestOf(name: string, values: readonly unknown[]): string {
  const known = values.filter((value) => typeof value === "string");
  return suggestName(name, known).replace(/ Known: .*$/, "");
}

/** How a list is written, for who wrote one in the manner of a shell. */
function listOf(issue: z.core.$ZodIssue, value: unknown): string {
  const meant = typeof value === "string" && value.includes(",") &&
    expectation(issue).includes(TYPES.array!);
  return meant ? ` A list is written [${value}].` : "";
}

const TYPES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a mapping",
  record: "a mapping",
  null: "null",
};

const UNITS: Readonly<Record<string, string>> = {
  string: "character",
  array: "item",
  set: "item",
  file: "byte",
};

/** A number, of what is counted where `origin` is not a number itself. */
function counted(limit: number | bigint, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? String(limit) : `${limit} ${unit}${Number(limit) === 1 ? "" : "s"}`;
}

/** What an issue wanted, to stand after "expected". */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return TYPES[issue.expected] ?? issue.expected;
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${
        counted(issue.minimum, issue.origin)
      }`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${
        counted(issue.maximum, issue.origin)
      }`;
    case "invalid_value":
      return (issue.values.length > 1 ? "one of " : "") + issue.values.map(show).join(", ");
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return issue.pattern === undefined || issue.format !== "regex"
        ? `a valid ${issue.format}`
        : `text that matches ${issue.pattern}`;
    case "invalid_union": {
      const choices = issue.errors.flatMap((errors) => errors[0] ? [expectation(errors[0])] : []);
      return choices.length === 0 ? "another value" : [...new Set(choices)].join(" or ");
    }
    default:
      return issue.message;
  }
}

/** A value as it would be written, cut where it is long. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value));
}
