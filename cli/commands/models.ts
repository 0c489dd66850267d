import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

const FOLDER = ["-f, --folder <folder:file>", "Folder of models.", { default: "models" }] as const;

/** `sluice models list|pull|verify|remove`. */
export function modelsCommand(app: App): Command<Globals> {
  const list = new Command<Globals>()
    .description("List the models that have a name, and which of them are here.")
    .option(...FOLDER)
    .option("--json", "Print a JSON array.")
    .example("What there is", "sluice models list")
    .action(async ({ folder, json }) =>
      (await import("../models.ts")).list(app, folder, json === true)
    );

  const pull = new Command<Globals>()
    .description(
      "Fetch published models into the folder of models; the configs name them there. What is here is not " +
        "fetched again, what is begun is gone on with, and a file gets its name once its checksum is right. " +
        "HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_HUB_OFFLINE mean what they mean to the hub's own tools.",
    )
    .arguments("[model...:string]")
    .option("-c, --config <config:file>", "All that this pipeline needs: a name, or a file.")
    .option(...FOLDER)
    .option("-y, --yes", "Accept the licences without being asked.")
    .option("--parallel <files:integer>", "Files at once.", { default: 3 })
    .option("--restart", "Fetch anew what is here or begun.")
    .option("--json", "Print one JSON object, or the error.")
    .option("-q, --quiet", "Print no progress.")
    .example("What a config needs", "sluice models pull --config self_forcing_dmd")
    .example("By name", "sluice models pull umt5-xxl self-forcing-dmd taew2.1 --yes")
    .action(async (options, ...models) => {
      const { config, folder, parallel } = options;
      const { yes = false, restart = false, json = false, quiet = false } = options;
      const { pull } = await import("../pull.ts");
      await pull(app, { models, config, folder, parallel, yes, restart, json, quiet });
    });

  const verify = new Command<Globals>()
    .description(
      "Compare models that are here with their checksums. The exit code is 1 if one is damaged.",
    )
    .arguments("[model...:string]")
    .option(...FOLDER)
    .option("--json", "Print a JSON array.")
    .example("All that are here", "sluice models verify")
    .action(async ({ folder, json }, ...models) =>
      (await import("../models.ts")).verify(app, models, folder, json === true)
    );

  const remove = new Command<Globals>()
    .description("Remove models from the folder of models.")
    .arguments("<model...:string>")
    .option(...FOLDER)
    .option("--json", "Print a JSON array.")
    .example("One that is not needed any more", "sluice models remove self-forcing-gan")
    .action(async ({ folder, json }, ...models) =>
      (await import("../models.ts")).remove(app, models, folder, json === true)
    );

  const models = new Command<Globals>()
    .description("Get published models by name: list, pull, verify, remove.")
    .example("Begin with", "sluice models list")
    .action(function () {
      this.showHelp();
    });
  models.command("list", list)
    .command("pull", pull)
    .command("verify", verify)
    .command("remove", remove)
    .reset();
  return models as unknown as Command<Globals>;
}
