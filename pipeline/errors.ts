/** The user's mistake, told so that it can be mended. The CLI exits with 2 for it, with 1 otherwise. */
export class UserError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override name = "UserError";
  /** The stage it happened in, if it was one. */
  readonly stage: string | undefined;

  /** What could not be done and why, and the way out. */
  constructor(message: string, options: ErrorOptions & { stage?: string } = {}) {
    super(message, options);
    this.stage = options.stage;
  }
}

/** Where in a config something stands. */
export interface ConfigPlace {
  /** The file, or the `--set` text that overrides it. */
  readonly file: string;
  /** From 1; absent in an override. */
  readonly line?: number | undefined;
  /** From 1; absent in an override. */
  readonly column?: number | undefined;
  /** Such as `stages[2].with.latent-frames`; empty for the file as a whole. */
  readonly key: string;
}

/** One thing that is wrong in a config. */
export interface ConfigProblem extends ConfigPlace {
  /** A sentence without the place: expected …, got …, and the way out. */
  readonly reason: string;
}

/**
 * A config that cannot be used. With one problem the message is its line: file, line, column, key
 * and reason. With several it counts them, and has such a line for each. The place is that of the
 * first.
 */
export class ConfigError extends UserError implements ConfigPlace {
  /** Tells this class from others where `instanceof` cannot. */
  override name = "ConfigError";
  /** The file, or the `--set` text that overrides it. */
  readonly file: string;
  /** From 1; absent in an override. */
  readonly line: number | undefined;
  /** From 1; absent in an override. */
  readonly column: number | undefined;
  /** Such as `stages[2].with.latent-frames`; empty for the file as a whole. */
  readonly key: string;
  /** Everything that is wrong, at least one thing: in the order of lines, overrides last. */
  readonly problems: readonly ConfigProblem[];

  /** What is wrong at `place`; the place is put before it. */
  constructor(message: string, place: ConfigPlace, options?: ErrorOptions);
  /** Everything that is wrong with `file`, which the count names; at least one thing. */
  constructor(problems: readonly ConfigProblem[], file: string, options?: ErrorOptions);
  constructor(
    given: string | readonly ConfigProblem[],
    where: ConfigPlace | string,
    options: ErrorOptions = {},
  ) {
    const problems = typeof given === "string"
      ? [{ ...(where as ConfigPlace), reason: given }]
      : inOrder(given);
    const [first] = problems;
    if (first === undefined) throw new TypeError("A ConfigError of no problems says nothing.");
    super(problems.length === 1 ? lineOf(first) : listOf(problems, where as string), options);
    this.file = first.file;
    this.line = first.line;
    this.column = first.column;
    this.key = first.key;
    this.problems = problems;
  }
}

/** By line and column; what has no line stands last, in the order it came. */
function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const last = Number.MAX_SAFE_INTEGER;
  return problems.toSorted((a, b) =>
    (a.line ?? last) - (b.line ?? last) || (a.column ?? 0) - (b.column ?? 0)
  );
}

function lineOf({ file, line, column, key, reason }: ConfigProblem): string {
  const spot = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return `${spot}: ${key === "" ? "" : `${key}: `}${reason}`;
}

function listOf(problems: readonly ConfigProblem[], file: string): string {
  const overrides = problems.filter((problem) => problem.file !== file).length;
  const where = overrides === 0
    ? file
    : overrides === problems.length
    ? "--set"
    : `${file} and --set`;
  const lines = problems.map((problem) => `  ${lineOf(problem)}`);
  return [`${problems.length} problems in ${where}:`, ...lines].join("\n");
}

/** A stage failed; `cause` is what it threw. */
export class StageError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override name = "StageError";
  /** The stage that failed. */
  readonly stage: string;

  /** The failure of a stage because of what it threw. */
  constructor(stage: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`The stage "${stage}" failed: ${reason}`, { cause });
    this.stage = stage;
  }
}

/** `error` with the stage's name: a `UserError` stays one, anything else becomes a `StageError`. */
export function withStage(stage: string, error: unknown): UserError | StageError {
  if (error instanceof StageError) return error;
  if (!(error instanceof UserError)) return new StageError(stage, error);
  if (error.stage !== undefined) return error;
  return new UserError(`${stage}: ${error.message}`, { cause: error, stage });
}
