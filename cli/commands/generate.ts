import { Command, EnumType } from "@cliffy/command";
import type { App, Globals } from "../app.ts";
import { mistake } from "../failure.ts";
import { pluginFlags } from "../flags.ts";
import { readTimeline } from "../timeline.ts";

/** What is shown at the end of the help text. */
const EXAMPLES: readonly (readonly [name: string, line: string])[] = [
  [
    "Five seconds of video, the same each time",
    'sluice generate "a red ball bounces on a green floor" --out ball.mp4 --seed 1',
  ],
  [
    "One prompt after the other",
    'sluice generate "a red ball bounces" --at 2.5s "a blue ball bounces" -o two.mp4',
  ],
  [
    "From a picture",
    'sluice generate "a red ball bounces on a green floor" --image ball.png -o ball.mp4',
  ],
  [
    "Over a clip",
    'sluice generate "a blue ball bounces on a green floor" --video ball.mp4 --strength 0.5 -o blue.mp4',
  ],
  ["Many at once", "sluice generate --prompts prompts.txt --out videos/ --num-samples 2"],
  ["Watch it in the terminal", 'sluice generate "a blue square spins" --preview'],
  ["Endless, until Ctrl-C", 'sluice generate "a green dot moves" --frames 0 -o dot.webm'],
  ["Figures for a script", 'sluice generate "a red ball" --json | jq .framesPerSecond'],
];

/** `sluice generate "<prompt>"`. */
export async function generateCommand(
  app: App,
  words: readonly string[],
): Promise<Command<Globals>> {
  // Hidden in the short help alone: a mistyped flag is told the nearest of all.
  const short = !words.includes("--help-all") &&
    words.some((word) => word === "--help" || word === "-h");
  const flags = pluginFlags(await app.plugins());
  const command = new Command<Globals>()
    .description(
      "Make a video of a prompt.\n\n" +
        "A config chooses the pipeline; flags named after its stages, and --set, change its options: " +
        "--diffuse-window 9 is --set diffuse.window=9. What is left out is as the config says. --help-all lists those " +
        "flags too, `plugins show diffuse` the options of one stage. " +
        "Progress goes to standard error. Ctrl-C ends the run early and leaves a playable file of " +
        "what is finished; a second one gives up at once. Exit codes: 0 done, 1 failure, 2 your mistake, 130 after Ctrl-C.",
    )
    .arguments("[prompts...:string]")
    .env("SLUICE_DEVICE=<device:string>", "Device where --device is not given.", {
      prefix: "SLUICE_",
    })
    .option("-c, --config <config:file>", "Pipeline: a name of `pipeline list`, or a file.", {
      default: "embedded",
    })
    .option(
      "-o, --out <file:file>",
      "Where the video goes; .mp4, .webm, .gif, .webp or .png says what it is. An existing file is " +
        "replaced. Left out, or a folder: a new name made of prompt and seed, in the current or that folder.",
    )
    .option("-s, --seed <seed:integer>", "Seed of the noise: the same seed, the same video.")
    .option(
      "-n, --frames <frames:integer>",
      "How many pictures, such as 81; 0 goes on until Ctrl-C. Left out: what the config says.",
    )
    .option(
      "--at <time:string>",
      "When the next prompt takes the place of the one before it: 2.5s, 2.5 or 1:05 of the video. It is followed " +
        "from the first chunk on that begins then or later; may be repeated.",
      { collect: true, conflicts: ["prompts"] },
    )
    .option(
      "--negative <text:string>",
      "What not to show, for samplers that are guided away from it.",
    )
    .option(
      "--image <file:file>",
      "Begin with this picture (PNG, JPEG, WebP), cut to the middle. The first frame is then made before " +
        "the chunks: 81 frames become 85.",
    )
    .option(
      "--video <file:file>",
      "Go on from the end of this clip. The video begins with the last 21 pictures of it, 9 if it is short; " +
        "--frames counts them too.",
      { conflicts: ["image"] },
    )
    .option(
      "--strength <share:number>",
      "With --video: make the video over the clip, from its first picture on, in place of going on from its end. " +
        "How much is changed, above 0 and at most 1: that share of the sampler's steps is run, rounded down, at least " +
        "one. The video is as long as the clip, in whole chunks, and at most as long as without one.",
      { conflicts: ["image"] },
    )
    .option(
      "--prompts <file:file>",
      "A video of each line of this file, with one loading of the model, into the folder --out. Videos that are " +
        "there already are left out, so that the same command goes on where it was stopped.",
      { conflicts: ["preview"] },
    )
    .option("--num-samples <count:integer>", "With --prompts: videos of each, seed after seed.")
    .option("-d, --device <device:string>", "cpu, webgpu, cuda or cuda:1; see `doctor`.")
    .option("-t, --threads <threads:integer>", "Processor threads; by default all.")
    .option("--set <option:string>", "Any option as stage.option=value; may be repeated.", {
      collect: true,
    })
    .option("--overcommit", "Begin even if the memory plan says that it does not fit.")
    .option("-p, --preview", "Show the pictures in the terminal while they come.", {
      conflicts: ["quiet"],
    })
    .option("--json", "Print one JSON object: the file and the figures, or the error.")
    .option("-q, --quiet", "Print nothing but the file's name, on standard output.")
    .option("--help-all", "Show this help with the flags of all stages.");
  for (const [name, line] of EXAMPLES) command.example(name, line);
  for (const { flag, type, description, option } of flags) {
    if (option.values) command.type(flag, new EnumType(option.values));
    command.option(`--${flag} <${hint(type)}:${type}>`, description, { hidden: short });
  }
  command.action(async function (options, ...texts) {
    if (options.helpAll) return this.showHelp();
    const given = options as Record<string, unknown>;
    const { config, out, seed, frames, device, threads, set = [] } = options;
    const { preview = false, json = false, quiet = false, overcommit = false } = options;
    const request = {
      ...{ negative: options.negative, image: options.image, video: options.video },
      strength: options.strength,
      ...{ config, out, seed, frames, device, threads, set, overcommit },
      flags: flags.flatMap((flag) =>
        given[flag.key] === undefined ? [] : [[flag, given[flag.key]] as const]
      ),
    };
    const { prompts, numSamples: samples } = options;
    if (prompts !== undefined) {
      if (texts.length > 0) throw mistake("Give a prompt or --prompts, not both.");
      const { generateBatch } = await import("../batch.ts");
      const batch = { ...request, prompts, samples: samples ?? 1 };
      return await generateBatch(app, batch, { json, quiet });
    }
    if (samples !== undefined) throw mistake("--num-samples is for a file of --prompts.");
    const { prompt, later } = readTimeline(texts, options.at ?? [], this.getRawArgs());
    if (prompt === undefined) {
      throw mistake('There is no prompt: say what to show, such as "a red ball bounces".');
    }
    const { generate } = await import("../generate.ts");
    await generate(app, { ...request, prompt, later }, { preview, json, quiet });
  });
  // Its own options matter to nobody outside.
  return command as unknown as Command<Globals>;
}

/** What to call a value of a type in the help text. */
function hint(type: string): string {
  if (type.endsWith("[]")) return "list";
  return { integer: "n", number: "x", boolean: "bool", string: "text" }[type] ?? "choice";
}
