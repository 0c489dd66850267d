/** The real command line, with the real plugins and configs, in this process and a folder of its own. */
import { runCli } from "../cli/cli.ts";
import { liveHandles } from "../engine/runtime/mod.ts";
import { plugins } from "../mod.ts";
import { assertEquals } from "@std/assert";
import { fakeHost, fakeScreen } from "./cli/_fakes.ts";

/** What came of a run of the program. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What is in the folder afterwards and was not put there before, temporary files too. */
  readonly files: readonly string[];
}

/** Puts files into a fresh folder, and runs the program there. */
export async function sluice(
  words: readonly string[],
  files: Readonly<Record<string, string | Uint8Array>> = {},
  look: (folder: string) => void | Promise<void> = () => {},
): Promise<Outcome> {
  const screen = fakeScreen({});
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  const before = Deno.cwd();
  const log = console.log;
  console.log = (...lines: unknown[]) => screen.results.push(lines.join(" "));
  Deno.chdir(folder);
  try {
    for (const [name, content] of Object.entries(files)) {
      if (typeof content === "string") await Deno.writeTextFile(name, content);
      else await Deno.writeFile(name, content);
    }
    const code = await runCli(
      fakeHost(screen, {
        configs: new URL("../configs/", import.meta.url),
        plugins: () => Promise.resolve(plugins),
      }),
      [...words],
    );
    await look(folder);
    const names = [...Deno.readDirSync(".")].map(({ name }) => name);
    return {
      code,
      out: screen.results.join("\n"),
      err: screen.errors,
      files: names.filter((name) => !(name in files)).sort(),
    };
  } finally {
    console.log = log;
    Deno.chdir(before);
    await Deno.remove(folder, { recursive: true });
  }
}

/** Asserts that nothing native is open any more. */
export function assertNothingOpen(): void {
  const open = Object.entries(liveHandles()).filter(([, count]) => count > 0);
  assertEquals(open, []);
}

/** A server that takes requests and answers none until it is disposed of. */
export function silentServer(): AsyncDisposable & { readonly url: string } {
  const closing = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    await closing.promise;
    return new Response();
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    async [Symbol.asyncDispose]() {
      closing.resolve();
      await server.shutdown();
    },
  };
}
