import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice devices list|install|remove`. */
export function devicesCommand(app: App): Command<Globals> {
  const list = new Command<Globals>()
    .description(
      "Show what graphs can run on here: cpu, webgpu, cuda. Each is tried; for cuda the table below names every " +
        "library of NVIDIA's that its provider needs, whether it is found, and the packages that have it.",
    )
    .option("--json", "Print one JSON object.")
    .example("What works, and what is missing", "sluice devices list")
    .action(async ({ json }) => (await import("../devices.ts")).list(app, json === true));

  const install = new Command<Globals>()
    .description(
      "Get ONNX Runtime's CUDA provider, which the npm package does not carry, in that package's very version out " +
        "of PyPI's wheel onnxruntime-gpu: some 220 MB to fetch and 270 MB on the disk, in the user's cache " +
        "(XDG_CACHE_HOME, else ~/.cache). Only the files that are needed are fetched where the server gives parts " +
        "of files, else the whole wheel. After an interruption the same command goes on where it was.\n\n" +
        "Every file is compared with its CRC-32 and with its SHA-256 in the wheel's RECORD. Both come from the " +
        "same server as the file: they show a transfer or a disk that went wrong, not a forged wheel. --whole " +
        "compares the whole wheel with the SHA-256 of the index too, which shows a wheel that is not the one that " +
        "the index lists.\n\n" +
        "ONNX Runtime is under the MIT licence. Nothing of NVIDIA's is fetched: the driver, CUDA 13 and cuDNN 9 " +
        "come from NVIDIA, and `devices list` says what of them is missing.",
    )
    .arguments("<device:string>")
    .env("PIP_INDEX_URL=<address:string>", "Index where --index is not given, as for pip.", {
      prefix: "PIP_",
    })
    .option(
      "--index <address:string>",
      "A mirror of PyPI: the address of its simple API. Left out: PIP_INDEX_URL, else https://pypi.org/simple.",
    )
    .option("--whole", "Fetch the whole wheel, and compare it with the index's SHA-256.")
    .option("--restart", "Fetch anew what is here or begun.")
    .option("-y, --yes", "Begin without being asked.")
    .option("--json", "Print one JSON object, or the error.")
    .option("-q, --quiet", "Print no progress.")
    .example("For an NVIDIA card", "sluice devices install cuda")
    .example("From a mirror", "sluice devices install cuda --index https://mirror.example/simple")
    .action(async (options, device) => {
      const { index, whole = false, restart = false } = options;
      const { yes = false, json = false, quiet = false } = options;
      const { install } = await import("../devices.ts");
      await install(app, { device, index, whole, restart, yes, json, quiet });
    });

  const remove = new Command<Globals>()
    .description("Remove the CUDA provider, and what has come of it, from the user's cache.")
    .arguments("<device:string>")
    .option("--json", "Print one JSON object.")
    .example("When the card is gone", "sluice devices remove cuda")
    .action(async ({ json }, device) =>
      (await import("../devices.ts")).remove(app, device, json === true)
    );

  const devices = new Command<Globals>()
    .description("What graphs can run on: list, and get or remove CUDA's part of it.")
    .example("Begin with", "sluice devices list")
    .action(function () {
      this.showHelp();
    });
  devices.command("list", list).command("install", install).command("remove", remove).reset();
  return devices as unknown as Command<Globals>;
}
