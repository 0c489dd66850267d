/**
 * An endless run that is told something else while it goes on, pauses, goes on and is stopped.
 *
 *     deno run -A tests/examples/live_prompt.ts
 */
import {
  decode,
  diffuse,
  encodeText,
  extendPrompt,
  type Frames,
  pipe,
  type RunEvent,
} from "sluice";

/** What is done when. Chunks are counted from 0. */
export interface Script {
  readonly first: string;
  readonly second: string;
  /** After which chunk the second prompt is given, and after which the run is stopped. */
  readonly change: number;
  readonly stop: number;
  /** Seconds to pause after the prompt has changed. */
  readonly pause: number;
  readonly onEvent?: (event: RunEvent) => void;
}

/** Gives the chunks as they come. */
export async function* perform(script: Script): AsyncGenerator<Frames> {
  const pictures = pipe(
    extendPrompt({ provider: "template" }),
    encodeText(),
    diffuse({ latentFrames: 0, window: 6 }),
    decode(),
  );
  await using open = await pictures.open();
  const run = open.run({ text: script.first, seed: 1 }, {
    live: true,
    ...(script.onEvent && { onEvent: script.onEvent }),
  });
  for await (const frames of run) {
    yield frames;
    if (frames.index === script.change) {
      run.prompt({ text: script.second });
      run.pause();
      setTimeout(() => run.resume(), script.pause * 1000);
    }
    if (frames.index === script.stop) run.stop();
  }
}

if (import.meta.main) {
  const script: Script = {
    first: "a red heart grows before a red wall",
    second: "a blue heart grows before a blue wall",
    change: 2,
    stop: 8,
    pause: 0.5,
  };
  for await (const { index, first, shape, prompt } of perform(script)) {
    console.log(`chunk ${index}: pictures ${first} to ${first + shape[0] - 1}, ${prompt.text}`);
  }
}
