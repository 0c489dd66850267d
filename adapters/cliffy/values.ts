/** How one word of the command line becomes a value. */
import { type AnyType, type ArgumentValue, EnumType, type TypeHandler } from "./types.ts";

/** A mistake of the user: exit code 2 unless told otherwise. */
export class ValidationError extends Error {
  /** What the process should end with. */
  readonly exitCode: number;

  /** `exitCode` is 2 where it is left out. */
  constructor(message: string, options: { exitCode?: number } = {}) {
    super(message);
    this.name = "ValidationError";
    this.exitCode = options.exitCode ?? 2;
  }
}

const BUILT_IN: Readonly<Record<string, TypeHandler<unknown>>> = {
  string: ({ value }) => value,
  file: ({ value }) => value,
  number: (word) => check(word, Number(word.value), Number.isFinite(Number(word.value))),
  integer: (word) => check(word, Number(word.value), /^[+-]?\d+$/.test(word.value)),
  boolean: (word) =>
    check(word, /^(true|1)$/.test(word.value), /^(true|false|0|1)$/.test(word.value)),
};

function check<T>(word: ArgumentValue, value: T, fits: boolean): T {
  if (fits && word.value !== "") return value;
  throw new ValidationError(
    `${word.label} "${word.name}" must be of type "${word.type}", but got "${word.value}".`,
  );
}

/** `<name:type[]>` taken apart. */
export interface Declaration {
  readonly name: string;
  /** As commander writes it: `<name>`, `[name...]`. */
  readonly form: string;
  /** The allowed values, where the type has a fixed set. */
  readonly choices?: string[];
  /** Reads the word; `shown` is what to call it in an error. */
  parse(word: string, shown: string): unknown;
}

/** Takes `<name:type>` apart; `find` looks a type up by name. */
export function declare(
  raw: string,
  label: string,
  find: (type: string) => AnyType | undefined,
): Declaration {
  const inner = raw.slice(1, -1).replace(/^(\.\.\.)?(.+?)(\.\.\.)?(:|$)/, "$2$1$3$4");
  const [name = "", full = "string"] = inner.split(":");
  const type = full.replace(/\[\]$/, "");
  const one = (value: string, shown: string): unknown => {
    const handler = find(type) ?? BUILT_IN[type];
    if (!handler) throw new Error(`"${raw}" names an unknown type: "${type}".`);
    if (!(handler instanceof EnumType)) return handler({ label, type, name: shown, value });
    const hit = handler.values().find((allowed) => String(allowed) === value);
    if (hit !== undefined) return hit;
    const expected = handler.values().map((allowed) => JSON.stringify(allowed)).join(", ");
    throw new ValidationError(
      `${label} "${shown}" must be of type "${type}", but got "${value}". ` +
        `Expected values: ${expected}`,
    );
  };
  const known = find(type);
  return {
    name,
    form: `${raw[0]}${name}${raw.at(-1)}`,
    ...(known instanceof EnumType && { choices: known.values().map(String) }),
    parse: (word, shown) =>
      full.endsWith("[]") ? word.split(",").map((part) => one(part, shown)) : one(word, shown),
  };
}
