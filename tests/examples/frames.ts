/**
 * Pictures as they are made, and no file at all: the first are here while the next are being made.
 *
 *     deno run -A tests/examples/frames.ts
 */
import { decode, diffuse, encodeText, type Frames, pipe } from "sluice";

/** The chunks of a short run, each as soon as it is there. */
export async function* watch(text: string, seed: number): AsyncGenerator<Frames> {
  const pictures = pipe(encodeText(), diffuse({ latentFrames: 6 }), decode());
  await using open = await pictures.open();
  yield* open.run({ text, seed });
}

/** The mean colour of a chunk's pictures: red, green and blue from 0 to 255. */
export function meanColour({ data }: Frames): [red: number, green: number, blue: number] {
  const sums: [number, number, number] = [0, 0, 0];
  data.forEach((value, i) => sums[i % 3]! += value);
  const pixels = data.length / 3;
  return [sums[0] / pixels, sums[1] / pixels, sums[2] / pixels];
}

if (import.meta.main) {
  for await (const frames of watch("a red ball bounces on a green floor", 1)) {
    const [count, height, width] = frames.shape;
    const colour = meanColour(frames).map(Math.round).join(", ");
    console.log(`${count} pictures of ${width} × ${height} from ${frames.first} on: ${colour}`);
  }
}
