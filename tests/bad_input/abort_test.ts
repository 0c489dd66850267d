import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  decode,
  diffuse,
  encodeText,
  encodeVideo,
  extendPrompt,
  pipe,
  type RunEvent,
} from "../../mod.ts";
import { join } from "@std/path";
import { assertNothingOpen, silentServer } from "../_sluice.ts";

const PROMPT = { text: "a red ball bounces on a green floor", seed: 1 };

function film(path: string, endpoint?: string) {
  return pipe(
    extendPrompt(
      endpoint === undefined
        ? { provider: "template" }
        : { provider: "openai", endpoint, model: "m", retries: 0 },
    ),
    encodeText(),
    diffuse({ latentFrames: 0, window: 9 }),
    decode(),
    encodeVideo({ path }),
  );
}

/** When to abort: at an event, so many milliseconds later. */
interface Moment {
  readonly stage: string;
  readonly at: (event: RunEvent) => boolean;
  readonly later: number;
}

const gave = (stage: string, chunk: number) => (event: RunEvent) =>
  event.type === "chunk" && event.stage === stage && event.chunk === chunk;

const MOMENTS: readonly Moment[] = [
  { stage: "encode-text", at: gave("extend-prompt", 0), later: 1 },
  {
    stage: "diffuse",
    at: (event) => event.type === "step" && event.chunk === 2 && event.step === 2,
    later: 2,
  },
  { stage: "decode", at: gave("diffuse", 1), later: 2 },
  { stage: "encode-video", at: gave("decode", 1), later: 0 },
];

/** A folder that must be empty when the abort is over. */
async function inFolder(make: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await make(join(folder, "o.mp4"), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assertNothingOpen();
}

const filesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

for (const { stage, at, later } of MOMENTS) {
  Deno.test(`a run that is aborted in ${stage} rejects with the reason and leaves nothing`, () =>
    inFolder(async (path, folder) => {
      await using open = await film(path).open();
      const control = new AbortController();
      const reason = new Error(`enough of ${stage}`);
      let due = false;
      let aborted = 0;
      const run = open.run(PROMPT, {
        signal: control.signal,
        onEvent: (event) => {
          if (due || !at(event)) return;
          due = true;
          setTimeout(() => {
            aborted = performance.now();
            control.abort(reason);
          }, later);
        },
      });
      assertStrictEquals(await assertRejects(() => Array.fromAsync(run)), reason);
      const rejected = performance.now() - aborted;
      await run[Symbol.asyncDispose]();
      const over = performance.now() - aborted;
      assert(aborted > 0 && rejected < 100, `the rejection took ${rejected} ms`);
      assert(over < 1000, `cleaning up took ${over} ms`);
      assertEquals(filesIn(folder), []);
      // What was given up harms no later run.
      const again = open.run(PROMPT, {
        onEvent: (event) => gave("decode", 1)(event) && again.stop(),
      });
      const media = await Array.fromAsync(again);
      assert(media.at(-1)!.frames >= 21);
      assertEquals(filesIn(folder), ["o.mp4"]);
    }));
}

Deno.test("a run that is aborted in extend-prompt rejects with the reason and leaves nothing", () =>
  inFolder(async (path, folder) => {
    await using server = silentServer();
    await using open = await film(path, server.url).open();
    const reason = new Error("enough of waiting");
    const control = new AbortController();
    setTimeout(() => control.abort(reason), 50);
    const began = performance.now();
    const run = open.run(PROMPT, { signal: control.signal });
    assertStrictEquals(await assertRejects(() => Array.fromAsync(run)), reason);
    await run[Symbol.asyncDispose]();
    assert(performance.now() - began < 1000);
    assertEquals(filesIn(folder), []);
  }));

for (const later of [undefined, 0, 1, 5, 20, 50, 100]) {
  const when = later === undefined ? "before it begins" : `after ${later} ms`;
  Deno.test(`loading that is aborted ${when} rejects with the reason and frees all`, () =>
    inFolder(async (path, folder) => {
      const reason = new Error("enough of loading");
      const control = new AbortController();
      if (later === undefined) control.abort(reason);
      const timer = setTimeout(() => control.abort(reason), later ?? 0);
      const began = performance.now();
      let opened = false;
      try {
        await using _open = await film(path).open({ signal: control.signal });
        opened = true;
      } catch (error) {
        assertStrictEquals(error, reason);
      }
      clearTimeout(timer);
      assert(!opened || (later ?? 0) >= 20, "it was loaded all the same");
      assert(performance.now() - began < 1500);
      assertEquals(filesIn(folder), []);
    }));
}
