import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice doctor`. */
export function doctorCommand(app: App): Command<Globals> {
  return new Command<Globals>()
    .description("Look at this machine: what works, what is missing, how to get it.")
    .option("-c, --config <config:file>", "Reckon what memory this pipeline needs, part by part.")
    .option("-d, --device <device:string>", "Where it would run, with --config.")
    .option("--set <option:string>", "An option as stage.option=value, with --config.", {
      collect: true,
    })
    .option("--json", "Print one JSON object.")
    .example("For a bug report", "sluice doctor --json")
    .example("Whether a pipeline fits", "sluice doctor --config self_forcing_dmd")
    .action(async ({ json, config, device, set = [] }) => {
      if (config !== undefined) {
        const { configPath } = await import("../configs.ts");
        const { readConfig } = await import("../reference_config.ts");
        const { cardsOf, memoryLines, memoryPlan } = await import("../memory.ts");
        const path = await configPath(app.configs, config);
        const loaded = await readConfig(path, { plugins: await app.plugins(), set });
        const plan = await memoryPlan(loaded, device);
        if (json) app.screen.out(JSON.stringify(plan, undefined, 2));
        else for (const line of memoryLines(plan, await cardsOf(plan))) app.screen.out(line);
        return;
      }
      const { examine, healthLines, isHealthy } = await import("../health.ts");
      const health = await examine(app);
      if (json) app.screen.out(JSON.stringify(health, undefined, 2));
      else for (const line of healthLines(health)) app.screen.out(line);
      app.exitCode = isHealthy(health) ? 0 : 1;
    });
}
