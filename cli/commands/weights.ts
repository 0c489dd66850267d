import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice weights inspect`. */
export function weightsCommand(app: App): Command<Globals> {
  const inspect = new Command<Globals>()
    .description(
      "Show what a safetensors file or a torch checkpoint holds: metadata, tensors by name with their " +
        "shapes, parameters by type. Its tables alone are read, nothing in it is run.",
    )
    .arguments("<file:file>")
    .option("--json", "Print one JSON object.")
    .example("A checkpoint", "sluice weights inspect self_forcing_dmd.pt")
    .example("One of the sets in it", "sluice weights inspect self_forcing_dmd.pt#generator_ema")
    .action(async ({ json }, file) =>
      (await import("../weights.ts")).inspect(app, file, json === true)
    );

  const weights = new Command<Globals>()
    .description("Look into files of weights.")
    .example("Begin with", "sluice weights inspect assets/embedded/transformer.safetensors")
    .action(function () {
      this.showHelp();
    });
  weights.command("inspect", inspect).reset();
  return weights;
}
