import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import { isRecord } from "./_options.ts";
import { ConfigError, type ConfigPlace } from "./errors.ts";
import { spellPath } from "./define.ts";

type Path = readonly PropertyKey[];

/** A config's text as data that knows where each part of it stands. JSON is read as the YAML it is. */
export class ConfigDocument {
  readonly file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #overrides: { readonly path: Path; readonly text: string }[] = [];
  #value: Record<string, unknown>;

  /** @throws {ConfigError} where the text is no YAML, or no mapping. */
  constructor(text: string, file: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    // An unknown tag is only a warning there; to ignore it would be to change what was asked for.
    const [problem] = [...this.#document.errors, ...this.#document.warnings];
    if (problem !== undefined) throw this.#syntaxError(problem, text);
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) !== undefined) return;
        const message = `there is no anchor &${alias.source} before this.`;
        throw new ConfigError(message, this.#place(alias.range?.[0] ?? 0));
      },
    });
    if (this.#document.contents === null) {
      throw new ConfigError("the file is empty: expected a pipeline with a name and stages.", {
        file,
        key: "",
      });
    }
    let value: unknown;
    try {
      value = this.#document.toJS();
    } catch (cause) {
      const message = `this cannot be read. ${cause instanceof Error ? cause.message : cause}`;
      throw new ConfigError(message, { file, key: "" }, { cause });
    }
    this.#value = {};
    if (!isRecord(value)) {
      throw this.error([], "expected a mapping with name and stages, got " + describe(value) + ".");
    }
    this.#value = value;
  }

  get value(): Readonly<Record<string, unknown>> {
    return this.#value;
  }

  /** Replaces what stands at `path`; errors there name `text` as their place. */
  override(path: Path, value: unknown, text: string): void {
    this.#overrides.push({ path, text });
    this.#value = this.#assign(this.#value, path, value) as Record<string, unknown>;
  }

  /** An error about what stands at `path`, or about its key. */
  error(
    path: Path,
    message: string,
    about: "key" | "value" = "value",
    cause?: unknown,
  ): ConfigError {
    const options = cause === undefined ? {} : { cause };
    const override = this.#overrides.findLast((each) =>
      each.path.length <= path.length && each.path.every((key, i) => key === path[i])
    );
    if (override !== undefined) return overrideError(override.text, message, options);
    const place = this.#place(this.#offset(path, about), spellPath(path));
    return new ConfigError(message, place, options);
  }

  #place(offset: number, key = ""): ConfigPlace {
    const { line, col: column } = this.#lines.linePos(offset);
    return { file: this.file, line, column, key };
  }

  #syntaxError({ code, message, pos: [offset] }: YAMLError, text: string): ConfigError {
    const key = /^"[^"]*"|^'[^']*'|^[^\s:]*/.exec(text.slice(offset))?.[0] ?? "";
    const reason = code === "DUPLICATE_KEY"
      ? `the key "${key.replace(/^["']|["']$/g, "")}" is given twice: remove one of them.`
      : code === "MULTIPLE_DOCS"
      ? "expected one document: remove this line and what follows it."
      : `this is no valid YAML. ${message}`;
    return new ConfigError(reason, this.#place(offset));
  }

  /** Where a node begins; where there is none, the innermost one around it. */
  #offset(path: Path, about: "key" | "value"): number {
    let node: Node | null | undefined = this.#document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const [i, key] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document);
      if (isMap(node)) {
        const pair = node.items.find((each) =>
          isScalar(each.key) && String(each.key.value) === String(key)
        );
        if (pair === undefined) break;
        const asked = i === path.length - 1 && about === "key";
        const start = (asked ? pair.key : pair.value ?? pair.key) as Node;
        offset = start.range?.[0] ?? offset;
        node = pair.value as Node | null;
      } else if (isSeq(node)) {
        node = node.items[Number(key)] as Node | undefined;
        offset = node?.range?.[0] ?? offset;
      } else break;
    }
    return offset;
  }

  #assign(target: unknown, path: Path, value: unknown): unknown {
    const [key, ...rest] = path;
    if (key === undefined) return value;
    if (Array.isArray(target)) {
      return target.map((item, i) => i === Number(key) ? this.#assign(item, rest, value) : item);
    }
    const base = isRecord(target) ? target : {};
    return { ...base, [key]: this.#assign(base[String(key)], rest, value) };
  }
}

/** An error about a `--set` text. */
export function overrideError(text: string, message: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(message, { file: `--set ${text}`, key: "" }, options);
}

/** What a value is, in a word. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : JSON.stringify(value);
}
