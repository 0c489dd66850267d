/**
 * A video in which one prompt takes the place of another: when, is told before it begins.
 *
 *     deno run -A tests/examples/timeline.ts
 */
import { decode, diffuse, encodeText, extendPrompt, type Frames, pipe, timeline } from "sluice";

/** Pictures a second. */
const FPS = 16;

/** The chunks of a run whose ball changes its colour after a second. */
export async function* change(): AsyncGenerator<Frames> {
  const pictures = pipe(
    extendPrompt({ provider: "template" }),
    encodeText(),
    diffuse({ latentFrames: 12 }),
    decode(),
  );
  await using open = await pictures.open();
  const first = { text: "a red ball bounces on a green floor", seed: 1 };
  const later = [{ at: 1, prompt: "a blue ball bounces on a green floor" }];
  yield* open.run(timeline(first, later, { fps: FPS }));
}

if (import.meta.main) {
  for await (const { first, prompt } of change()) {
    console.log(`${(first / FPS).toFixed(2)} s: ${prompt.text}`);
  }
}
