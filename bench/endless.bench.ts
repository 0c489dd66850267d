/**
 * An endless run, stopped after 200 chunks, window 9: what a chunk costs and how much memory is resident, in
 * chunks 25 – 75 and in the last 50. Both must stay the same: the cost within 10%, memory within 2%.
 *
 *     deno run -A --v8-flags=--max-semi-space-size=1 bench/endless.bench.ts [chunks]
 *
 * The flag is the one that the tasks have: with a small young generation V8 gives the pictures of past chunks
 * back soon. Without it memory grows by some percent while the collector's lag finds its level, then no more.
 */

import process from "node:process";
import { decode, diffuse, encodeText, encodeVideo, extendPrompt, pipe } from "../mod.ts";
import { fixed, heading, median, table } from "./_bench.ts";

if (import.meta.main) {
  const chunks = Number(Deno.args[0] ?? 200);
  heading(`An endless run of ${chunks} chunks, window 9, to MP4`);
  const folder = await Deno.makeTempDir();
  const times: number[] = [];
  const busy: number[] = [];
  const resident: number[] = [];
  {
    await using open = await pipe(
      extendPrompt({ provider: "template" }),
      encodeText(),
      diffuse({ latentFrames: 0, window: 9 }),
      decode(),
      encodeVideo({ path: `${folder}/out.mp4` }),
    ).open();
    const run = open.run({ text: "a red ball bounces on a green floor", seed: 1 }, {
      onEvent: (event) => {
        if (event.type !== "chunk" || event.stage !== "decode") return;
        times.push(event.at);
        const { user, system } = process.cpuUsage();
        busy.push((user + system) / 1e6);
        resident.push(residentBytes());
        if (times.length >= chunks) run.stop();
      },
    });
    for await (const _ of run);
  }
  await Deno.remove(folder, { recursive: true });

  const spans = [[25, 75], [chunks - 51, chunks - 1]] as const;
  const cost = spans.map(([from, to]) => times[to]! - times[from]!);
  const work = spans.map(([from, to]) => busy[to]! - busy[from]!);
  const memory = spans.map(([from, to]) => median(resident.slice(from, to)) / 2 ** 20);
  table(
    ["chunks", "seconds", "ms a chunk", "processor s", "resident MiB (median)"],
    spans.map(([from, to], i) => [
      `${from} – ${to}`,
      fixed(cost[i]!, 3),
      fixed(1e3 * cost[i]! / (to - from), 1),
      fixed(work[i]!, 3),
      fixed(memory[i]!, 1),
    ]),
  );
  const more = (values: readonly number[]) => values[1]! / values[0]! - 1;
  const percent = (value: number) => `${value > 0 ? "+" : ""}${fixed(100 * value, 1)}%`;
  table(["", "later against earlier", "must be within"], [
    ["seconds", percent(more(cost)), "10%"],
    ["processor seconds (of use where others share the machine)", percent(more(work)), "10%"],
    ["resident memory", percent(more(memory)), "2%"],
  ]);
}

/** Bytes of the process in memory, native libraries and all. */
function residentBytes(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/self/statm").split(" ")[1]) * 4096;
  } catch {
    return Deno.memoryUsage().rss;
  }
}
