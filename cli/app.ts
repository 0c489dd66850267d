/** What the commands are made for: everything that a test replaces. */
import type { AnyPlugin } from "../pipeline/plugin.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { Screen } from "./screen.ts";

/** What the program is given from outside. */
export interface Host {
  readonly version: string;
  /** Folder of the configs that have names. */
  readonly configs: URL;
  readonly screen: Screen;
  /** When the program started, on the clock of `performance.now()`. */
  readonly started: number;
  /** The plugins that configs know by name; loaded when first asked for. */
  plugins(): Promise<readonly AnyPlugin[]>;
  /** What the engine finds on this machine. */
  diagnose(): Promise<Diagnosis>;
}

/** A host, and how the command that runs wants the process to end. */
export interface App extends Host {
  exitCode: number;
}

/** Options every command inherits from the root command. */
export interface Globals extends Record<string, unknown> {
  verbose?: true;
  debug?: boolean;
}
