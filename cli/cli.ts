/** The command line: the root command, and how it begins and ends. */
import { Command, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";
import type { App, Globals, Host } from "./app.ts";
import { failureOf, mistake, stackOf } from "./failure.ts";

/** The program's name. */
export const PROGRAM = "sluice";

/** A sub-command, loaded only when the words name it. */
interface Entry {
  readonly name: string;
  readonly description: string;
  load(app: App, words: readonly string[]): Promise<Command<Globals>>;
}

const ENTRIES: readonly Entry[] = [
  {
    name: "generate",
    description: "Make a video of a prompt.",
    load: async (app, words) =>
      (await import("./commands/generate.ts")).generateCommand(app, words),
  },
  {
    name: "ui",
    description: "Serve the studio, a web page that plays videos while they are made.",
    load: async (app) => (await import("./commands/ui.ts")).uiCommand(app),
  },
  {
    name: "pipeline",
    description: "List, check and describe pipelines.",
    load: async (app) => (await import("./commands/pipeline.ts")).pipelineCommand(app),
  },
  {
    name: "plugins",
    description: "List and describe the stages a pipeline can be made of.",
    load: async (app) => (await import("./commands/plugins.ts")).pluginsCommand(app),
  },
  {
    name: "models",
    description: "Get published models by name: list, pull, verify, remove.",
    load: async (app) => (await import("./commands/models.ts")).modelsCommand(app),
  },
  {
    name: "devices",
    description: "What graphs can run on: list, and get or remove CUDA's part of it.",
    load: async (app) => (await import("./commands/devices.ts")).devicesCommand(app),
  },
  {
    name: "weights",
    description: "Look into files of weights.",
    load: async (app) => (await import("./commands/weights.ts")).weightsCommand(app),
  },
  {
    name: "export",
    description: "Write a pipeline's networks as ONNX files for other runtimes.",
    load: async (app) => (await import("./commands/export.ts")).exportCommand(app),
  },
  {
    name: "doctor",
    description: "Look at this machine: what works, what is missing, how to get it.",
    load: async (app) => (await import("./commands/doctor.ts")).doctorCommand(app),
  },
];

/** The root command, with those sub-commands complete that the words name. */
export async function createCli(app: App, words: readonly string[]): Promise<Command> {
  const root = new Command()
    .name(PROGRAM)
    .version(app.version)
    .description(
      "Sluice turns a prompt into video, live, on your own machine: a pipeline of typed stages " +
        "that a config names and plugins make.",
    )
    .globalOption("-v, --verbose", "Tell where an unexpected error came from.")
    .globalEnv("SLUICE_DEBUG=<debug:boolean>", "1 does the same as --verbose.", {
      prefix: "SLUICE_",
    })
    .example("A video of a prompt", `${PROGRAM} generate "a red ball bounces on a green floor"`)
    .example("The pipelines that have a name", `${PROGRAM} pipeline list`)
    .example("What this machine can do", `${PROGRAM} doctor`)
    .action(function () {
      this.showHelp();
    });
  for (const { name, description, load } of ENTRIES) {
    const stub = () => new Command<Globals>().description(description);
    root.command(name, words.includes(name) ? await load(app, words) : stub());
  }
  root.command("completions", new CompletionsCommand()).reset();
  return root as unknown as Command;
}

/** Runs the program on these words and gives its exit code; prints errors, throws none. */
export async function runCli(host: Host, given: string[]): Promise<number> {
  const app: App = { ...host, exitCode: 0 };
  // As other programs have it: `help generate` is `generate --help`.
  const words = given[0] === "help" ? [...given.slice(1), "--help"] : given;
  let path = PROGRAM;
  try {
    checkCommand(words);
    const cli = await createCli(app, words);
    cli.noExit().error((_error, command) => path = command.getPath());
    await cli.parse(words);
    return app.exitCode;
  } catch (error) {
    const failure = failureOf(error);
    if (words.includes("--json")) app.screen.out(JSON.stringify({ error: failure }));
    else app.screen.err(`error: ${failure.message}\n`);
    if (wantsStack(words)) app.screen.err(`${stackOf(error)}\n`);
    else if (error instanceof ValidationError) app.screen.err(`See: ${path} --help\n`);
    return failure.code;
  }
}

/** Who forgets `generate` gives a sentence in place of a command. */
function checkCommand([first = ""]: readonly string[]): void {
  if (first.startsWith("-") || !/\s/.test(first.trim())) return;
  const prompt = JSON.stringify(first);
  throw mistake(`${prompt} is no command. To make a video of it: ${PROGRAM} generate ${prompt}`);
}

function wantsStack(words: readonly string[]): boolean {
  if (words.includes("--verbose") || words.includes("-v")) return true;
  const { state } = Deno.permissions.querySync({ name: "env", variable: "SLUICE_DEBUG" });
  return state === "granted" && /^(1|true)$/.test(Deno.env.get("SLUICE_DEBUG") ?? "");
}
