/** Runs the command line in this process, in a folder of its own. */
import type { Host } from "../../cli/app.ts";
import { runCli } from "../../cli/cli.ts";
import { fakeHost, fakeScreen } from "./_fakes.ts";

export interface Outcome {
  readonly code: number;
  /** Standard output, help texts included. */
  readonly out: string;
  readonly err: string;
  /** Files in the folder afterwards. */
  readonly files: string[];
}

export interface RunOptions {
  readonly live?: boolean;
  readonly colours?: boolean;
  readonly changes?: Partial<Host>;
  /** Files that are there before. */
  readonly files?: readonly string[];
}

export async function run(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { live = false, colours = live, changes = {}, files = [] } = options;
  const screen = { ...fakeScreen({ live }), colours };
  screen.err = (text) => void (screen.errors += text);
  const folder = await Deno.makeTempDir();
  const before = Deno.cwd();
  const log = console.log;
  console.log = (...lines: unknown[]) => screen.results.push(lines.join(" "));
  Deno.chdir(folder);
  try {
    for (const file of files) await Deno.writeTextFile(file, file);
    const code = await runCli(fakeHost(screen, changes), [...words]);
    const names = [...Deno.readDirSync(".")].map(({ name }) => name).sort();
    return { code, out: screen.results.join("\n"), err: screen.errors, files: names };
  } finally {
    console.log = log;
    Deno.chdir(before);
    await Deno.remove(folder, { recursive: true });
  }
}
