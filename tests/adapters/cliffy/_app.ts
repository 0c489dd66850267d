/** A small program in idiomatic Cliffy, to be run on Cliffy and on the adapter. */
import { Command, EnumType, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";

interface Globals extends Record<string, unknown> {
  verbose?: true;
  home?: string;
}

const paint = () =>
  new Command<Globals>()
    .description("Paint a picture.")
    .type("quality", new EnumType(["draft", "standard", "high"]))
    .type("size", ({ value, name }) => {
      const match = value.match(/^(\d+)x(\d+)$/);
      if (!match) throw new ValidationError(`${name} expects WIDTHxHEIGHT, got "${value}".`);
      return { width: Number(match[1]), height: Number(match[2]) };
    })
    .arguments("<script:file> [output:file]")
    .env("PAINT_KEY=<key:string>", "Key of the service.", { prefix: "PAINT_" })
    .env("PAINT_SEED=<seed:integer>", "Random seed.", { prefix: "PAINT_" })
    .option("-s, --seed <seed:integer>", "Random seed.", { default: 1 })
    .option("-r, --rate <rate:number>", "Pictures per second.", { default: 24 })
    .option("-q, --quality <quality:quality>", "Output quality.", { default: "standard" as const })
    .option("-t, --tag <tag:string>", "Tag (repeatable).", { collect: true })
    .option("--size <size:size>", "Width and height.")
    .option("--steps <steps:integer[]>", "Steps.")
    .option("--loop <on:boolean>", "Whether to loop.")
    .option("--dry-run", "Only print the plan.", { conflicts: ["loop"] })
    .example("A draft", "paint paint script.md -q draft")
    .action((options, script, output) => {
      // The annotations are the type test: they fail to compile where inference differs.
      const seed: number = options.seed;
      const quality: "draft" | "standard" | "high" = options.quality;
      const tags: string[] | undefined = options.tag;
      const steps: number[] | undefined = options.steps;
      const size: { width: number; height: number } | undefined = options.size;
      const dryRun: true | undefined = options.dryRun;
      const loop: boolean | undefined = options.loop;
      const key: string | undefined = options.key;
      const home: string | undefined = options.home;
      if (options.rate <= 0) throw new ValidationError("--rate must be above zero.");
      const rest = { tags, steps, size, dryRun, loop, key, home, verbose: options.verbose };
      console.log(JSON.stringify({ script, output, seed, rate: options.rate, quality, ...rest }));
    });

const list = () =>
  new Command<Globals>()
    .description("List jobs.")
    .option("--json", "Print JSON.")
    .action(({ json, verbose }) => console.log(json ? "[]" : `no jobs, ${verbose}`));

const cancel = () =>
  new Command<Globals>()
    .description("Cancel jobs.")
    .arguments("<id...:string>")
    .action((_options, ...ids) => {
      const all: string[] = ids;
      console.log(`cancelled ${all.join(" ")}`);
    });

const jobs = () =>
  new Command<Globals>()
    .description("Look after jobs.")
    .action(function () {
      this.showHelp();
    })
    .command("list", list())
    .command("cancel", cancel())
    .reset();

/** The program, new at each call. */
export function createApp(): Command {
  const app = new Command()
    .name("paint")
    .version("0.1.0")
    .description("Turn a script into pictures.")
    .globalOption("-v, --verbose", "Print more.")
    .globalOption("--home <dir:file>", "Where projects live.")
    .globalEnv("PAINT_HOME=<dir:file>", "Where projects live.", { prefix: "PAINT_" })
    .action(function () {
      this.showHelp();
    })
    .command("paint", paint())
    .command("jobs", jobs())
    .command("completions", new CompletionsCommand())
    .reset();
  return app as unknown as Command;
}
