/** From an error to an exit code and words. */
import { ValidationError } from "@cliffy/command";
import { ConfigError, type ConfigProblem, UserError } from "../pipeline/errors.ts";
import { INTERRUPTED } from "./signals.ts";

/** Exit codes, by what they mean. */
export const FAILURE = 1;
export const MISTAKE = 2;

/** The user wanted to leave, and nothing came of the run. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** What `--json` prints of an error. */
export interface Failure {
  readonly message: string;
  /** The exit code: 1 for a failure, 2 for the user's mistake, 130 after Ctrl-C. */
  readonly code: number;
  /** Of a config: everything that is wrong, with its place. */
  readonly problems?: readonly ConfigProblem[];
}

/** A mistake found by the command line itself. */
export function mistake(message: string): ValidationError {
  return new ValidationError(message, { exitCode: MISTAKE });
}

/** Work for which Deno asks permission: what it does not allow is told with the flag that allows it. */
export async function allowed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw mistake(`That cannot be done without permission: ${error.message}.`);
  }
}

/** The words and the exit code of an error. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ValidationError) return { message, code: error.exitCode };
  if (error instanceof Interrupted) return { message, code: INTERRUPTED };
  if (error instanceof ConfigError) return { message, code: MISTAKE, problems: error.problems };
  return { message, code: error instanceof UserError ? MISTAKE : FAILURE };
}

/** Where the program was when it failed, causes included. */
export function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) stacks.push(at.stack ?? String(at));
  return stacks.join("\ncaused by: ");
}
