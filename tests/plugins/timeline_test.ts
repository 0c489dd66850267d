import { assert, assertEquals, assertRejects } from "@std/assert";
import { decode, diffuse, encodeText, extendPrompt, pipe } from "../../mod.ts";
import type { DataKinds, Frames, Kind, Prompt } from "../../pipeline/data.ts";
import { definePlugin } from "../../pipeline/define.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { RunEvent } from "../../pipeline/events.ts";
import { timeline } from "../../pipeline/timeline.ts";
import { z } from "zod";

const prompt = timeline({ text: "a red ball bounces", seed: 5 }, [
  { at: 1, prompt: "a blue ball bounces" },
  { at: 2, prompt: "a green square spins" },
], { fps: 16 });

/** Passes on what comes, so many milliseconds late. */
function late<K extends Kind>(kind: K, milliseconds: number) {
  const plugin = definePlugin({
    name: `late-${kind}`,
    summary: "Waits.",
    takes: kind,
    gives: kind,
    options: z.object({}),
    create: () => ({
      name: `late-${kind}`,
      takes: kind,
      gives: kind,
      async *process(input: AsyncIterable<DataKinds[K]>) {
        for await (const datum of input) {
          await new Promise((resolve) => setTimeout(resolve, milliseconds));
          yield datum;
        }
      },
      async [Symbol.asyncDispose]() {},
    }),
  });
  return plugin({});
}

interface Made {
  readonly pictures: Uint8Array;
  readonly prompts: readonly string[];
  readonly events: readonly RunEvent[];
}

async function make(
  given: Prompt,
  { readAhead = 1, before = 0, after = 0, options = {}, live = false } = {},
): Promise<Made> {
  const film = pipe(
    late("prompt", before),
    extendPrompt({ provider: "template" }),
    encodeText(),
    late("conditioning", before),
    diffuse({ latentFrames: 12, ...options }),
    decode(),
    late("frames", after),
  );
  await using open = await film.open({ threads: 1 });
  const [chunks, events]: [Frames[], RunEvent[]] = [[], []];
  await using run = open.run(given, { readAhead, live, onEvent: (event) => events.push(event) });
  for await (const chunk of run) {
    chunks.push(chunk);
    if (chunk.last) break;
  }
  const pictures = new Uint8Array(chunks.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of chunks) {
    pictures.set(data, at);
    at += data.length;
  }
  return { pictures, prompts: chunks.map(({ prompt }) => prompt.text), events };
}

const plain = await make(prompt);

Deno.test("diffuse follows a timeline at the chunks that begin then or later", () => {
  // Chunks begin with the pictures 0, 9, 21 and 33; 1 s is picture 16, 2 s picture 32.
  assertEquals(plain.prompts.map((text) => /red|blue|green/.exec(text)?.[0]), [
    ...["red", "red", "blue", "green"],
  ]);
  const followed = plain.events.flatMap((event) =>
    event.type === "prompt" && event.stage === "diffuse" ? [event] : []
  );
  assertEquals(followed.map(({ chunk, first }) => [chunk, first]), [[2, 21], [3, 33]]);
});

Deno.test("a timeline gives the same pictures at any speed of its stages", async () => {
  const ways = [
    { readAhead: 0 },
    { readAhead: 4, after: 40 },
    { readAhead: 1, before: 60 },
    { live: true, before: 20, after: 20 },
  ];
  for (const way of ways) {
    const { pictures, prompts } = await make(prompt, way);
    assertEquals(prompts, plain.prompts);
    assertEquals(pictures, plain.pictures, JSON.stringify(way));
  }
});

Deno.test("a timeline changes nothing before its time, and the pictures after it", async () => {
  const { then: _, ...alone } = prompt;
  const red = await make(alone);
  const picture = 128 * 128 * 3;
  assertEquals(plain.pictures.subarray(0, 21 * picture), red.pictures.subarray(0, 21 * picture));
  const mean = (pixels: Uint8Array, colour: number) =>
    pixels.subarray(30 * picture, 33 * picture)
      .reduce((sum, value, i) => i % 3 === colour ? sum + value : sum, 0) / picture;
  assert(mean(plain.pictures, 2) > mean(red.pictures, 2) + 1, "the ball has turned blue");
});

Deno.test("a timeline fills the cache anew where diffuse is told to", async () => {
  const recached = await make(prompt, { options: { recache: true } });
  assertEquals(recached.prompts, plain.prompts);
  const picture = 128 * 128 * 3;
  const [a, b] = [recached.pictures, plain.pictures];
  assertEquals(a.subarray(0, 21 * picture), b.subarray(0, 21 * picture));
  assert(a.subarray(21 * picture).some((value, i) => Math.abs(value - b[21 * picture + i]!) > 20));
});

Deno.test("diffuse refuses a prompt that begins behind the last chunk, and texts that are none", async () => {
  const given = (from: number, text: string) => make({ text: "a", then: [{ from, text }] });
  const late = await assertRejects(() => given(34, "a blue ball"), UserError);
  assertEquals(
    late.message.replace(/"a blue ball[^"]*"/, '"a blue ball"'),
    'diffuse: The prompt "a blue ball" begins with picture 34 and the video\'s last chunk with ' +
      "picture 33: it would never be followed. Let it begin earlier, or make the video longer.",
  );
  for (const from of [0, -3, 2.5]) {
    const message = `A prompt cannot begin with picture ${from}: expected a whole number from 1 on`;
    await assertRejects(() => given(from, "b"), Error, message);
  }
  await assertRejects(() => given(9, " "), Error, "The prompt that begins with picture 9 is empty");
});
