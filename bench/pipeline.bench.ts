/**
 * The embedded pipeline, prompt to MP4, on one open pipeline a choice of threads: seconds of loading, of each
 * stage a run and a chunk, the first pictures, frames a second in the steady state (from the first chunk's
 * pictures to the last's), and what the overlap of stages brings. Choices take turns, so that drift touches all.
 *
 *     deno run -A bench/pipeline.bench.ts [rounds]
 */

import {
  decode,
  diffuse,
  encodeText,
  encodeVideo,
  extendPrompt,
  type OpenPipeline,
  pipe,
} from "../mod.ts";
import { fixed, heading, median, table } from "./_bench.ts";

const PROMPT = "a red ball bounces on a green floor";

interface Choice {
  readonly name: string;
  /** Threads of diffusing and of decoding, where they are not the default. */
  readonly diffusing?: number;
  readonly decoding?: number;
  readonly readAhead: number;
}

const choices: readonly Choice[] = [
  { name: "default (1 + 1), read-ahead 1", readAhead: 1 },
  { name: "default (1 + 1), read-ahead 0", readAhead: 0 },
  { name: "2 + 2 threads, read-ahead 1", diffusing: 2, decoding: 2, readAhead: 1 },
  { name: "2 + 2 threads, read-ahead 0", diffusing: 2, decoding: 2, readAhead: 0 },
  { name: "2 + 1 threads, read-ahead 1", diffusing: 2, decoding: 1, readAhead: 1 },
  { name: "1 + 2 threads, read-ahead 1", diffusing: 1, decoding: 2, readAhead: 1 },
];

interface Measured {
  readonly seconds: number;
  readonly sum: number;
  readonly first: number;
  /** Pictures a second between the first chunk's and the last's. */
  readonly steady: number;
  readonly stages: readonly { readonly stage: string; readonly seconds: number; chunks: number }[];
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 9);
  heading(`The embedded pipeline, 81 pictures of 128 × 128, medians of ${rounds} runs`);
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const opened: OpenPipeline<"prompt", "media">[] = [];
  for (const choice of choices) {
    opened.push(stack.use(await film(`${folder}/out.mp4`, choice).open()));
  }
  const measured: Measured[][] = choices.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, { readAhead }] of choices.entries()) {
      const result = await run(opened[i]!, readAhead);
      if (round >= 0) measured[i]!.push(result); // the first warms up
    }
  }
  stageTable(opened[0]!, measured[0]!);
  choiceTable(measured);
}

function film(path: string, choice: Choice) {
  const { diffusing, decoding } = choice;
  return pipe(
    extendPrompt({ provider: "template" }),
    encodeText(),
    diffuse({ latentFrames: 21, window: 9, ...(diffusing && { threads: diffusing }) }),
    decode(decoding ? { threads: decoding } : {}),
    encodeVideo({ path }),
  );
}

async function run(open: OpenPipeline<"prompt", "media">, readAhead: number): Promise<Measured> {
  const pictures: { at: number; frames: number }[] = [];
  await using run = open.run({ text: PROMPT, seed: 1 }, {
    readAhead,
    onEvent: (event) => {
      if (event.type === "chunk" && event.stage === "decode") pictures.push(event);
    },
  });
  for await (const _ of run);
  const { seconds, stages } = run.timings;
  const [first, last] = [pictures[0]!, pictures.at(-1)!];
  const later = pictures.slice(1).reduce((sum, { frames }) => sum + frames, 0);
  const sum = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  return { seconds, sum, first: first.at, steady: later / (last.at - first.at), stages };
}

function stageTable(open: OpenPipeline, runs: readonly Measured[]): void {
  const rows = open.loading.map(({ stage, seconds: loading }, i) => {
    const seconds = median(runs.map(({ stages }) => stages[i]!.seconds));
    const chunks = runs[0]!.stages[i]!.chunks;
    const parts = stage === "encode-video" ? 7 : chunks; // one file of all chunks
    return [
      stage,
      fixed(loading, 3),
      fixed(seconds, 3),
      `${parts}`,
      fixed(1e3 * seconds / parts, 1),
    ];
  });
  table(["stage", "loading s", "s a run", "chunks", "ms a chunk"], rows);
}

function choiceTable(measured: readonly (readonly Measured[])[]): void {
  const base = measured[0]!;
  const rows = choices.map(({ name }, i) => {
    const runs = measured[i]!;
    const of = (pick: (run: Measured) => number) => median(runs.map(pick));
    return [
      name,
      fixed(of(({ seconds }) => seconds), 3),
      fixed(of(({ first }) => first), 3),
      fixed(of(({ steady }) => steady), 0),
      fixed(of(({ seconds, sum }) => seconds / sum)),
      fixed(median(runs.map(({ seconds }, round) => seconds / base[round]!.seconds))),
    ];
  });
  table(
    [
      "threads, read-ahead",
      "s a run",
      "first s",
      "frames/s",
      "total / sum of stages",
      "of default's s",
    ],
    rows,
  );
}
