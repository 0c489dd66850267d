import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice doctor`. */
export function doctorCommand(app: App): Command<Globals> {
  return new Command<Globals>()
    .description("Look at this machine: what works, what is missing, how to get it.")
    .option("--json", "Print one JSON object.")
    .example("For a bug report", "sluice doctor --json")
    .action(async ({ json }) => {
      const { examine, healthLines, isHealthy } = await import("../health.ts");
      const health = await examine(app);
      if (json) app.screen.out(JSON.stringify(health, undefined, 2));
      else for (const line of healthLines(health)) app.screen.out(line);
      app.exitCode = isHealthy(health) ? 0 : 1;
    });
}
