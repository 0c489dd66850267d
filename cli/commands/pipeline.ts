import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice pipeline list|validate|describe|schema`. */
export function pipelineCommand(app: App): Command<Globals> {
  const list = new Command<Globals>()
    .description("List the pipelines that have a name.")
    .option("--json", "Print a JSON array.")
    .example("What can be given to generate --config", "sluice pipeline list")
    .action(async ({ json }) => (await import("../pipelines.ts")).list(app, json === true));

  const validate = new Command<Globals>()
    .description("Check config files. An error names file, line and key; the exit code is 2.")
    .arguments("<config...:file>")
    .option("--json", "Print a JSON array.")
    .example("A config of your own", "sluice pipeline validate ./my.yaml")
    .action(async ({ json }, ...configs) =>
      (await import("../pipelines.ts")).validate(app, configs, json === true)
    );

  const describe = new Command<Globals>()
    .description("Show a pipeline's stages, what each takes and gives, and every option in effect.")
    .arguments("<config:file>")
    .option("--set <option:string>", "An option as stage.option=value; may be repeated.", {
      collect: true,
    })
    .option("--json", "Print one JSON object.")
    .example("The default pipeline", "sluice pipeline describe embedded")
    .action(async ({ json, set = [] }, config) =>
      (await import("../pipelines.ts")).describe(app, config, set, json === true)
    );

  const schema = new Command<Globals>()
    .description("Print the JSON Schema of config files, for editors.")
    .example("Beside your configs", "sluice pipeline schema > sluice.schema.json")
    .action(async () => (await import("../pipelines.ts")).schema(app));

  const pipeline = new Command<Globals>()
    .description("List, check and describe pipelines.")
    .example("Begin with", "sluice pipeline list")
    .action(function () {
      this.showHelp();
    });
  pipeline.command("list", list)
    .command("validate", validate)
    .command("describe", describe)
    .command("schema", schema)
    .reset();
  return pipeline;
}
