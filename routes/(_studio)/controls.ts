/** From a plugin's JSON Schema to the controls of a form. */
import type { JsonSchema } from "../../server/wire.ts";
import { formatLabel } from "./format.ts";

/** How one option is set. */
export type Control =
  | { readonly kind: "switch" }
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | {
    readonly kind: "number";
    readonly whole: boolean;
    readonly min?: number;
    readonly max?: number;
    readonly step: number | "any";
    /** Whether a slider helps: few steps between two ends. */
    readonly slider: boolean;
  }
  /** Numbers with commas between; `single`: one alone is no list. */
  | { readonly kind: "numbers"; readonly single?: boolean }
  | { readonly kind: "text" }
  /** Anything else, written as JSON. */
  | { readonly kind: "data" };

/** One option of a plugin. */
export interface OptionControl {
  /** In kebab-case. */
  readonly key: string;
  readonly label: string;
  /** A sentence. */
  readonly help: string;
  readonly control: Control;
  /** What holds where it is not set; absent where the plugin decides. */
  readonly standard?: unknown;
}

/** Steps of a slider at most. */
const SLIDER = 100;

/** Largest bound that is one, rather than that of numbers themselves. */
const BOUND = 2 ** 40;

/** The controls of a plugin's options, in the schema's order. */
export function controlsOf(schema: JsonSchema): OptionControl[] {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
  return Object.entries(properties).map(([key, option]) => ({
    key,
    label: formatLabel(key),
    help: typeof option.description === "string" ? option.description : "",
    control: controlOf(option),
    ...(option.default !== undefined && { standard: option.default }),
  }));
}

function controlOf(schema: JsonSchema): Control {
  if (Array.isArray(schema.enum)) return { kind: "choice", values: schema.enum.map(String) };
  switch (schema.type) {
    case "boolean":
      return { kind: "switch" };
    case "integer":
    case "number":
      return numberOf(schema);
    case "string":
      return { kind: "text" };
    case "array":
      return isNumber(schema.items) ? { kind: "numbers" } : { kind: "data" };
    default: {
      const kinds = (schema.anyOf ?? []) as readonly JsonSchema[];
      const list = kinds.some(({ type, items }) => type === "array" && isNumber(items));
      return list && kinds.some(isNumber) ? { kind: "numbers", single: true } : { kind: "data" };
    }
  }
}

function isNumber(schema: unknown): boolean {
  const { type } = (schema ?? {}) as JsonSchema;
  return type === "number" || type === "integer";
}

function numberOf(schema: JsonSchema): Control {
  const whole = schema.type === "integer";
  const bound = (key: string) => {
    const value = schema[key];
    return typeof value === "number" && Math.abs(value) < BOUND ? value : undefined;
  };
  const above = bound("exclusiveMinimum");
  const min = bound("minimum") ?? (whole && above !== undefined ? above + 1 : undefined);
  const max = bound("maximum");
  const span = min !== undefined && max !== undefined ? max - min : Infinity;
  const step = whole ? 1 : span <= 5 ? 0.05 : "any";
  return {
    kind: "number",
    whole,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    step,
    slider: span / (step === "any" ? 1 : step) <= SLIDER,
  };
}

/** A value as a control shows it. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value) && value.every((each) => typeof each === "number")) {
    return value.join(", ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What a text in a control means: a value, nothing (the text is empty), or why it means nothing. */
export type Reading = { readonly value?: unknown; readonly error?: string };

/** Reads what was written into a control. Bounds are the plugin's to check: it says more. */
export function readControl(control: Control, text: string): Reading {
  const trimmed = text.trim();
  if (trimmed === "") return {};
  switch (control.kind) {
    case "switch":
      return { value: trimmed === "true" };
    case "choice":
    case "text":
      return { value: trimmed };
    case "number": {
      const value = readNumber(trimmed);
      if (value === undefined) return { error: `Expected a number, got ${trimmed}.` };
      if (control.whole && !Number.isInteger(value)) {
        return { error: `Expected a whole number, got ${trimmed}.` };
      }
      return { value };
    }
    case "numbers": {
      const parts = trimmed.replace(/^\[|\]$/g, "").split(/[,\s]+/).filter(Boolean);
      const values = parts.map(readNumber);
      const wrong = parts.find((_, i) => values[i] === undefined);
      return wrong === undefined
        ? { value: control.single && values.length === 1 ? values[0] : values }
        : { error: `Expected numbers with commas between, got ${wrong}.` };
    }
    case "data":
      try {
        return { value: JSON.parse(trimmed) };
      } catch {
        // A bare word is a text; brackets that do not close are a mistake.
        return /^[[{"]/.test(trimmed)
          ? { error: 'Expected JSON, such as {"path": "style.safetensors", "scale": 0.8}.' }
          : { value: trimmed };
      }
  }
}

function readNumber(text: string): number | undefined {
  const value = Number(text);
  return text !== "" && Number.isFinite(value) ? value : undefined;
}
