/** The program `sluice`: `deno task sluice`. */
import { runCli } from "./cli.ts";
import { processScreen } from "./screen.ts";
import { VERSION } from "./version.ts";

if (import.meta.main) {
  const code = await runCli({
    version: VERSION,
    configs: new URL("../configs/", import.meta.url),
    screen: processScreen(),
    started: 0,
    plugins: async () => (await import("../mod.ts")).plugins,
    diagnose: async () => (await import("./diagnose.ts")).diagnose(),
  }, Deno.args);
  // Native threads would keep the process alive.
  Deno.exit(code);
}
