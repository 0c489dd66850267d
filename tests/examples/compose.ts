/**
 * A pipeline composed in code: a prompt becomes an MP4.
 *
 *     deno run -A tests/examples/compose.ts ball.mp4
 */
import { decode, diffuse, encodeText, encodeVideo, extendPrompt, type Media, pipe } from "sluice";

/** Makes 33 pictures of a prompt and writes them to `path`. */
export async function makeFilm(text: string, path: string): Promise<Media | undefined> {
  const film = pipe(
    extendPrompt({ provider: "template" }),
    encodeText(),
    diffuse({ latentFrames: 9 }),
    decode(),
    encodeVideo({ path, fps: 16 }),
  );
  await using open = await film.open({ device: "cpu" });
  let file: Media | undefined;
  for await (const media of open.run({ text, seed: 1 })) file = media;
  return file;
}

if (import.meta.main) {
  const [path = "ball.mp4"] = Deno.args;
  const file = await makeFilm("a red ball bounces on a green floor", path);
  console.log(`${file?.path}: ${file?.frames} pictures, ${file?.type}`);
}
