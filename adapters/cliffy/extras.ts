/** What commander does not have: options from the environment, and the help text's tail. */
import type { Command as Base } from "commander";

/** An environment variable that stands for an option. */
export interface Env {
  readonly name: string;
  /** The option it sets. */
  readonly key: string;
  readonly description: string;
  parse(word: string, shown: string): unknown;
}

/** Values of the variables whose option no flag has set. Asks for no permission. */
export function envValues(envs: readonly Env[], base: Base): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, key, parse } of envs) {
    const source = base.getOptionValueSourceWithGlobals(key);
    if (source && source !== "default") continue;
    const text = readEnv(name);
    if (text) values[key] = parse(text, name);
  }
  return values;
}

function readEnv(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

/** What follows commander's own help: variables as a table, examples each with its line below. */
export function helpTail(
  envs: readonly Env[],
  examples: readonly (readonly [string, string])[],
): string {
  const width = Math.max(0, ...envs.map(({ name }) => name.length));
  const variables = envs.map((env) => `  ${env.name.padEnd(width)}  ${env.description}`);
  const lines = examples.map(([name, line]) => `  ${name}\n    ${line}`);
  return section("Environment variables", variables) + section("Examples", lines);
}

function section(title: string, lines: readonly string[]): string {
  return lines.length ? `\n${title}:\n${lines.join("\n")}\n` : "";
}
