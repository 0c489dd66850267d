import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice export NETWORK --out DIR`. */
export function exportCommand(app: App): Command<Globals> {
  return new Command<Globals>()
    .description(
      "Write networks of a pipeline as .onnx files that stand alone, for other runtimes: text-encoder, " +
        "transformer-context, transformer, decoder, or all (`-first` behind a name is the network of a video's first piece, " +
        "where that has one of its own). Weights are inside, in the type they are stored in or the bits that " +
        "encode-text.precision says; " +
        "those of more than 1 GiB go into a .onnx.data file beside it. Operators of the domain com.microsoft are " +
        "ONNX Runtime's own; diffuse.attention=composed leaves them out of the transformer's attention.",
    )
    .arguments("<network:string>")
    .option("-o, --out <folder:file>", "Folder for the files; files of those names are replaced.", {
      default: "onnx",
    })
    .option("-c, --config <config:file>", "Pipeline: a name of `pipeline list`, or a file.", {
      default: "embedded",
    })
    .option("--set <option:string>", "Any option as stage.option=value; may be repeated.", {
      collect: true,
    })
    .option("--json", "Print one JSON object: files with their inputs and outputs.")
    .example("The embedded model", "sluice export all --out onnx/")
    .action(async ({ out, config, set = [], json = false }, network) =>
      (await import("../export.ts")).exportNetworks(
        app,
        { network, out, config, set },
        json === true,
      )
    ) as unknown as Command<Globals>;
}
