/**
 * Whole processes, as a user starts them: `generate` from its start to the first pictures and to its end, and
 * `generate --help`; and how long each stage takes to load.
 *
 *     deno run -A bench/startup.bench.ts [rounds]
 */

import { fixed, heading, median, table } from "./_bench.ts";

const root = new URL("../", import.meta.url).pathname;

/** What `generate --json` prints, as far as it is read here. */
interface Report {
  readonly seconds: number;
  readonly loadSeconds: number;
  readonly firstFrameSeconds: number;
  readonly steadyFramesPerSecond: number;
  readonly stages: readonly { readonly stage: string; readonly loadSeconds: number }[];
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 9);
  heading(`Starting, medians of ${rounds} processes`);
  const folder = await Deno.makeTempDir();
  const out = `${folder}/out.mp4`;
  const generate = ["cli/main.ts", "generate"];
  const wall: number[] = [];
  const help: number[] = [];
  const bare: number[] = [];
  const reports: Report[] = [];
  for (let round = -1; round < rounds; round++) {
    const made = await spawn([...generate, "a red ball", "--out", out, "--seed", "1", "--json"]);
    const helped = await spawn([...generate, "--help"]);
    const empty = await spawn(["bench/_nothing.ts"]);
    if (round < 0) continue; // the first fills caches
    wall.push(made.seconds);
    help.push(helped.seconds);
    bare.push(empty.seconds);
    reports.push(JSON.parse(made.text));
  }
  await Deno.remove(folder, { recursive: true });
  const of = (pick: (report: Report) => number) => fixed(median(reports.map(pick)));
  table(["loading by stage, all at once", "s"], [
    ...reports[0]!.stages.map(({ stage }, i): [string, string] => [
      stage,
      of(({ stages }) => stages[i]!.loadSeconds),
    ]),
  ]);
  table(["a process", "s", "wanted below"], [
    ["an empty program", fixed(median(bare)), ""],
    ["generate --help", fixed(median(help)), "0.40"],
    ["generate: program's start to all stages loaded", of(({ loadSeconds }) => loadSeconds), ""],
    ["generate: to the first pictures", of(({ firstFrameSeconds }) => firstFrameSeconds), "1.20"],
    ["generate: to the end of 81 pictures", of(({ seconds }) => seconds), ""],
    ["generate: wall time of the process", fixed(median(wall)), "2.50"],
  ]);
}

async function spawn(args: readonly string[]): Promise<{ seconds: number; text: string }> {
  const began = performance.now();
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--no-prompt", ...args],
    cwd: root,
  }).output();
  const seconds = (performance.now() - began) / 1000;
  if (!success) throw new Error(`${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return { seconds, text: new TextDecoder().decode(stdout) };
}
