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
import { ConfigError, type ConfigPlace, type ConfigProblem } from "./errors.ts";
import { spellPath } from "./define.ts";

type Path = readonly PropertyKey[];

/**
 * A config's text as data that knows where each part of it stands, and collects what is wrong with
 * it. JSON is read as the YAML it is.
 */
export class ConfigDocument {
  readonly file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #overrides: { readonly path: Path; readonly text: string }[] = [];
  readonly #problems: (ConfigProblem & { readonly cause?: unknown })[] = [];
  #value: Record<string, unknown>;

  /** @throws {ConfigError} where the text is no YAML, or no mapping. */
  constructor(text: string, file: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    this.#readSyntax(text);
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
      this.report([], `expected a mapping with name and stages, got ${describe(value)}.`);
      this.throwProblems();
    }
    this.#value = value as Record<string, unknown>;
  }

  get value(): Readonly<Record<string, unknown>> {
    return this.#value;
  }

  /** Replaces what stands at `path`; errors there name `text` as their place. */
  override(path: Path, value: unknown, text: string): void {
    this.#overrides.push({ path, text });
    this.#value = this.#assign(this.#value, path, value) as Record<string, unknown>;
  }

  /** Notes what is wrong with what stands at `path`, or with its key. */
  report(path: Path, reason: string, about: "key" | "value" = "value", cause?: unknown): void {
    const override = this.#overrides.findLast((each) =>
      each.path.length <= path.length && each.path.every((key, i) => key === path[i])
    );
    const place = override === undefined
      ? this.#place(this.#offset(path, about), spellPath(path))
      : overridePlace(override.text);
    this.#note({ ...place, reason, ...(cause === undefined ? {} : { cause }) });
  }

  /** Runs a check, and notes the problems that it throws. */
  attempt(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) this.#note(problem);
    }
  }

  /** @throws {ConfigError} with everything noted so far, if there is anything. */
  throwProblems(): void {
    if (this.#problems.length === 0) return;
    const problems = this.#problems.map(({ cause: _, ...problem }) => problem);
    const [first, ...others] = this.#problems;
    const options = others.length > 0 || first?.cause === undefined ? {} : { cause: first.cause };
    throw new ConfigError(problems, this.file, options);
  }

  /** What an anchor's text has wrong is wrong wherever it is used, and is told once. */
  #note(problem: ConfigProblem & { readonly cause?: unknown }): void {
    const told = this.#problems.some((other) =>
      other.file === problem.file && other.line === problem.line &&
      other.column === problem.column && other.reason === problem.reason &&
      withoutStage(other.key) === withoutStage(problem.key)
    );
    if (!told) this.#problems.push(problem);
  }

  #place(offset: number, key = ""): ConfigPlace {
    const { line, col: column } = this.#lines.linePos(offset);
    return { file: this.file, line, column, key };
  }

  /**
   * Notes what the text has wrong as YAML. Keys given twice and unknown tags leave the rest readable;
   * of other errors only the first is told, since it often causes those after it.
   *
   * @throws {ConfigError} where the rest cannot be read.
   */
  #readSyntax(text: string): void {
    // An unknown tag is only a warning there; to ignore it would be to change what was asked for.
    const all = [...this.#document.errors, ...this.#document.warnings];
    const mild = all.filter(({ code }) =>
      code === "DUPLICATE_KEY" || code === "TAG_RESOLVE_FAILED"
    );
    const grave = all.filter((each) => !mild.includes(each)).slice(0, 1);
    for (const error of [...grave, ...mild]) this.#note(this.#syntaxProblem(error, text));
    let lost = false;
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) !== undefined) return;
        lost = true;
        const reason = `there is no anchor &${alias.source} before this.`;
        this.#note({ ...this.#place(alias.range?.[0] ?? 0), reason });
      },
    });
    if (grave.length > 0 || lost) this.throwProblems();
  }

  #syntaxProblem({ code, message, pos: [offset] }: YAMLError, text: string): ConfigProblem {
    const key = /^"[^"]*"|^'[^']*'|^[^\s:]*/.exec(text.slice(offset))?.[0] ?? "";
    const reason = code === "DUPLICATE_KEY"
      ? `the key "${key.replace(/^["']|["']$/g, "")}" is given twice: remove one of them.`
      : code === "MULTIPLE_DOCS"
      ? "expected one document: remove this line and what follows it."
      : `this is no valid YAML. ${message}`;
    return { ...this.#place(offset), reason };
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
export function overrideError(text: string, message: string): ConfigError {
  return new ConfigError(message, overridePlace(text));
}

function overridePlace(text: string): ConfigPlace {
  return { file: `--set ${text}`, key: "" };
}

function withoutStage(key: string): string {
  return key.replace(/^stages\[\d+\]/, "");
}

/** What a value is, in a word. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : JSON.stringify(value);
}
