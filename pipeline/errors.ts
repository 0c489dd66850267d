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

/** A config that cannot be used; the message begins with file, line, column and key. */
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

  /** What is wrong at `place`; the place is put before it. */
  constructor(message: string, place: ConfigPlace, options: ErrorOptions = {}) {
    const { file, line, column, key } = place;
    const spot = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
    super(`${spot}: ${key === "" ? "" : `${key}: `}${message}`, options);
    this.file = file;
    this.line = line;
    this.column = column;
    this.key = key;
  }
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
