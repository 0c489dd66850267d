import { Command } from "@cliffy/command";
import type { App, Globals } from "../app.ts";

/** `sluice ui`. */
export function uiCommand(app: App): Command<Globals> {
  const command = new Command<Globals>()
    .description(
      "Serve the studio, a web page that makes videos and plays them while they are made.\n\n" +
        "It prints its address and serves until Ctrl-C, which ends a run early and keeps what is " +
        "made of it; a second Ctrl-C drops the run. Only this machine reaches it unless --host says " +
        "otherwise; then the address holds a token that every client needs.",
    )
    .env("SLUICE_DEVICE=<device:string>", "Device where --device is not given.", {
      prefix: "SLUICE_",
    })
    .option(
      "-p, --port <port:integer>",
      "Port, 0 for any. Left out: the first free one from 8000 to 8019.",
    )
    .option("--host <host:string>", "Name or address to listen on.", { default: "127.0.0.1" })
    .option("-c, --config <config:file>", "Pipeline to begin with: a name, or a file.", {
      default: "embedded",
    })
    .option("-g, --gallery <folder:file>", "Folder of finished videos.", {
      default: "out/gallery",
    })
    .option("-d, --device <device:string>", "cpu, webgpu, cuda or cuda:1; see `doctor`.")
    .option("-t, --threads <threads:integer>", "Processor threads; by default all.")
    .option("--overcommit", "Begin runs even if the memory plan says that they do not fit.")
    .option(
      "--token <token:string>",
      "What clients must show. Left out: drawn where one is needed.",
    )
    .option("-o, --open", "Open it in the browser.")
    .example("The studio on this machine", "sluice ui --open")
    .example("For the local network", "sluice ui --host 0.0.0.0 --port 8080")
    .action(async ({ overcommit = false, open = false, ...options }) => {
      const { port, host, config, gallery, device, threads, token } = options;
      const { serveUi } = await import("../ui.ts");
      await serveUi(app, { port, host, config, gallery, device, threads, overcommit, token, open });
    });
  return command as unknown as Command<Globals>;
}
