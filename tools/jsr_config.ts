/**
 * Writes `deno.jsr.json`: `deno.json` with the standard library, Cliffy and Fresh from JSR. Run it after a change
 * of `deno.json`; a test says when it was forgotten.
 */

const FROM_JSR: Readonly<Record<string, string>> = {
  "@cliffy/command": "jsr:@cliffy/command@^1.0.0",
  "@cliffy/command/completions": "jsr:@cliffy/command@^1.0.0/completions",
  "@std/assert": "jsr:@std/assert@^1",
  "@std/path": "jsr:@std/path@^1",
  "@std/text": "jsr:@std/text@^1",
  "fresh": "jsr:@fresh/core@^2.3.3",
  "fresh/dev": "jsr:@fresh/core@^2.3.3/dev",
  "fresh/runtime": "jsr:@fresh/core@^2.3.3/runtime",
};

/** Packages that only the adapters stand on. */
const ADAPTERS_ONLY = ["commander", "devalue", "preact-render-to-string"];

interface Task {
  readonly description: string;
  readonly command: string;
}

interface DenoConfig {
  readonly imports: Readonly<Record<string, string>>;
  readonly tasks: Readonly<Record<string, Task>>;
  readonly [key: string]: unknown;
}

/** The config for machines that reach JSR, made of the default one. */
export function jsrConfig(config: DenoConfig): DenoConfig {
  const imports = Object.entries(config.imports)
    .filter(([name]) => !ADAPTERS_ONLY.includes(name))
    .map(([name, target]) => [name, FROM_JSR[name] ?? target]);
  const tasks = Object.entries(config.tasks).map(([name, { description, command }]) => {
    const told = command.replaceAll(
      /\bdeno (run|test|check|lint|fmt|doc|task)\b/g,
      "deno $1 --config deno.jsr.json",
    );
    return [name, { description, command: told }];
  });
  return {
    ...config,
    lock: false,
    imports: Object.fromEntries(imports),
    tasks: Object.fromEntries(tasks),
  };
}

if (import.meta.main) {
  const root = new URL("../", import.meta.url);
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  await Deno.writeTextFile(
    new URL("deno.jsr.json", root),
    JSON.stringify(jsrConfig(config), null, 2) + "\n",
  );
}
