/** The program with fake plugins, for tests that need a process of its own. */
import { runCli } from "../../cli/cli.ts";
import { processScreen } from "../../cli/screen.ts";
import { fakeHost } from "./_fakes.ts";

Deno.exit(await runCli(fakeHost(processScreen(), { started: 0 }), Deno.args));
