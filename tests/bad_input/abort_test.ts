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
      const late: RunEvent[] = [];
      const run = open.run(PROMPT, {
        signal: control.signal,
        onEvent: (event) => {
          if (control.signal.aborted) late.push(event);
          if (due || !at(event)) return;
          due = true;
          setTimeout(() => control.abort(reason), later);
        },
      });
      assertStrictEquals(await assertRejects(() => Array.fromAsync(run)), reason);
      // Without an end, it would go on for ever were it not given up.
      await run[Symbol.asyncDispose]();
      assertEquals(late, [], "nothing is done any more");
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
    // It answers when it is closed, which is when all is over.
    await using server = silentServer();
    await using open = await film(path, server.url).open();
    const reason = new Error("enough of waiting");
    const control = new AbortController();
    setTimeout(() => control.abort(reason), 50);
    const run = open.run(PROMPT, { signal: control.signal });
    assertStrictEquals(await assertRejects(() => Array.fromAsync(run)), reason);
    await run[Symbol.asyncDispose]();
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
      let opened = false;
      const loaded: string[] = [];
      try {
        await using _open = await film(path).open({
          signal: control.signal,
          onEvent: (event) => {
            if (event.type === "loaded") loaded.push(event.stage);
          },
        });
        opened = true;
      } catch (error) {
        assertStrictEquals(error, reason);
      }
      clearTimeout(timer);
      const early = (later ?? 0) < 20;
      assert(!early || !opened && loaded.length < 5, `it was loaded all the same: ${loaded}`);
      assertEquals(filesIn(folder), []);
    }));
}
