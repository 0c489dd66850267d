/**
 * The studio's price: the same run with one client on its stream and with ten, one of which reads 10 kB/s, and the
 * same run without any studio, by turns.
 *
 *     deno run -A --v8-flags=--max-semi-space-size=1 bench/studio.bench.ts [rounds]
 */

import { decode, diffuse, encodeText, encodeVideo, extendPrompt, pipe } from "../mod.ts";
import { serve } from "../server/serve.ts";
import { fixed, heading, median, table } from "./_bench.ts";

const PROMPT = "a red ball bounces on a green floor";
/** 89 chunks of 12 pictures, less the first three. */
const LATENT_FRAMES = 267;
const PICTURES = LATENT_FRAMES * 4 - 3;

/** Seconds from the first chunk's pictures to the last's, without a studio. */
async function alone(): Promise<number> {
  await using open = await pipe(
    extendPrompt({ provider: "template" }),
    encodeText(),
    diffuse({ latentFrames: LATENT_FRAMES, window: 9 }),
    decode(),
    encodeVideo({}),
  ).open();
  const times: number[] = [];
  const onEvent = ({ type, stage, at }: { type: string; stage: string; at: number }) => {
    if (type === "chunk" && stage === "decode") times.push(at);
  };
  for await (const _ of open.run({ text: PROMPT, seed: 1 }, { onEvent }));
  return times.at(-1)! - times[0]!;
}

/** Reads a stream to its end; with `rate` no more than that many bytes a second. */
async function watch(url: string, signal: AbortSignal, rate = Infinity): Promise<void> {
  try {
    const response = await fetch(url, { signal });
    for await (const bytes of response.body!) {
      if (rate < Infinity) {
        await new Promise((resolve) => setTimeout(resolve, 1000 * bytes.length / rate));
      }
      signal.throwIfAborted();
    }
  } catch {
    // Ended with the round.
  }
}

/** The same through the studio, watched by `clients`. */
async function watched(base: string, clients: number): Promise<number> {
  const created = await fetch(`${base}api/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: PROMPT, seed: 1, frames: PICTURES }),
  });
  const { id } = await created.json();
  const url = `${base}api/runs/${id}`;
  const control = new AbortController();
  const watching = Array.from(
    { length: clients },
    (_, i) => watch(`${url}/stream`, control.signal, i === 1 ? 10_000 : Infinity),
  );
  for (;;) {
    const run = await (await fetch(url)).json();
    if (run.state === "failed") throw new Error(run.error);
    if (run.state === "finished") {
      control.abort();
      await Promise.all(watching);
      await (await fetch(url, { method: "DELETE" })).body?.cancel();
      return (PICTURES - 9) / run.framesPerSecond;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 5);
  heading(`The studio, ${PICTURES} pictures a run, ${rounds} rounds by turns`);
  const gallery = await Deno.makeTempDir();
  const served = await serve({
    host: "127.0.0.1",
    port: 0,
    gallery,
    pipeline: "embedded",
    warn: console.error,
  });
  const base = served.urls[0];
  while ((await fetch(`${base}api/health/ready`)).status !== 200) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const seconds: Record<"alone" | "one" | "ten", number[]> = { alone: [], one: [], ten: [] };
  await watched(base, 1);
  for (let round = 0; round < rounds; round++) {
    seconds.alone.push(await alone());
    seconds.one.push(await watched(base, 1));
    seconds.ten.push(await watched(base, 10));
  }
  await served.close("cancel");
  await Deno.remove(gallery, { recursive: true });
  const ratio = (a: readonly number[], b: readonly number[]) =>
    fixed(median(a.map((value, i) => value / b[i]!)), 3);
  table(["", "s a run (median)", "pictures/s", "of"], [
    ["no studio", fixed(median(seconds.alone), 3), fixed(PICTURES / median(seconds.alone), 0), ""],
    [
      "one client",
      fixed(median(seconds.one), 3),
      fixed(PICTURES / median(seconds.one), 0),
      `${ratio(seconds.one, seconds.alone)} of no studio (wanted below 1.03)`,
    ],
    [
      "ten clients, one at 10 kB/s",
      fixed(median(seconds.ten), 3),
      fixed(PICTURES / median(seconds.ten), 0),
      `${ratio(seconds.ten, seconds.one)} of one client (wanted below 1.05)`,
    ],
  ]);
}
