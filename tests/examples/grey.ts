/** A third party's plugin: takes the colour out of pictures. A config names it as `./grey.ts`. */
import { definePlugin, type Frames } from "sluice";
import { z } from "zod";

export default definePlugin({
  name: "grey",
  summary: "Takes the colour out of pictures.",
  takes: "frames",
  gives: "frames",
  options: z.object({
    amount: z.number().min(0).max(1).default(1).describe(
      "How much of the colour goes: 0 leaves all, 1 leaves none",
    ),
  }),
  create: ({ amount }) => ({
    name: "grey",
    takes: "frames",
    gives: "frames",
    async *process(chunks: AsyncIterable<Frames>) {
      for await (const chunk of chunks) yield { ...chunk, data: fade(chunk.data, amount) };
    },
    async [Symbol.asyncDispose]() {},
  }),
});

function fade(rgb: Uint8Array, amount: number): Uint8Array {
  const faded = new Uint8Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    const [red, green, blue] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!];
    const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    [red, green, blue].forEach((value, channel) => {
      faded[i + channel] = Math.round(value + (luma - value) * amount);
    });
  }
  return faded;
}
