import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice plugins list|show`. */
export function pluginsCommand(app: App): Command<Globals> {
  const list = new Command<Globals>()
    .description("List the plugins: what each takes and gives.")
    .option("--json", "Print a JSON array.")
    .example("All of them", "sluice plugins list")
    .action(async ({ json }) => (await import("../plugin_pages.ts")).list(app, json === true));

  const show = new Command<Globals>()
    .description("Show a plugin's options with types and defaults.")
    .arguments("<plugin:string>")
    .option("--json", "Print one JSON object.")
    .example("A built-in", "sluice plugins show diffuse")
    .example("A module of your own", "sluice plugins show ./sharpen.ts")
    .action(async ({ json }, plugin) =>
      (await import("../plugin_pages.ts")).show(app, plugin, json === true)
    );

  const plugins = new Command<Globals>()
    .description("List and describe the stages a pipeline can be made of.")
    .example("Begin with", "sluice plugins list")
    .action(function () {
      this.showHelp();
    });
  plugins.command("list", list).command("show", show).reset();
  return plugins;
}
