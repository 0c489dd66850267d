/** The video encoder on pictures of the bench's size. */

import type { Frames } from "../pipeline/data.ts";
import encodeVideo from "../plugins/encode_video/mod.ts";
import { type Bench, measured } from "./_wan_parts.ts";
import { timed } from "./_wan_timing.ts";

/** Chunks of one measurement, so that the encoder's own beginning and end count little. */
const CHUNKS = 4;

/** Measures H.264 into the parts of a stream, with the encoder that `auto` takes on the device. */
export async function measureEncode(bench: Bench): Promise<void> {
  const { sizes, device, threads, runs } = bench.options;
  const chunks = Array.from({ length: CHUNKS }, (_, i) => drawn(i, sizes.chunk * 4, sizes));
  const spec = encodeVideo({ codec: "h264", container: "mp4" });
  const signal = new AbortController().signal;
  const ms = await timed(async () => {
    await using stage = await encodeVideo.create(spec.options as never, {
      device,
      threads,
      directory: ".",
      signal,
      warn: () => {},
    });
    async function* input() {
      yield* chunks;
    }
    const context = {
      signal,
      stop: signal,
      whenRunning: () => Promise.resolve(),
      report: () => {},
    };
    let bytes = 0;
    for await (const part of stage.process(input(), context)) bytes += part.data.length;
    if (bytes === 0) throw new RangeError("cannot measure the encoder: it gave no bytes");
  }, { runs });
  measured(bench, {
    name: "h264: chunk",
    ms: ms / CHUNKS,
    flops: 0,
    bytes: 0,
    kernels: 0,
    pictures: sizes.chunk * 4,
    host: true,
  });
}

/** A disc that moves over a gradient with a little grain: about as hard as a decoder's pictures. */
function drawn(
  index: number,
  count: number,
  { height, width }: { readonly height: number; readonly width: number },
): Frames {
  const data = new Uint8Array(count * height * width * 3);
  let at = 0;
  for (let frame = index * count; frame < (index + 1) * count; frame++) {
    const centre = width / 2 + Math.sin(frame / 8) * width / 3;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = (x - centre) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2;
        const grain = (x * 7 + y * 13 + frame * 29) % 5;
        data[at++] = (inside ? 220 : x * 200 / width) + grain;
        data[at++] = (inside ? 30 : y * 200 / height) + grain;
        data[at++] = 60 + grain;
      }
    }
  }
  const last = index === CHUNKS - 1;
  const shape = [count, height, width, 3] as const;
  return { index, last, data, shape, first: index * count, prompt: { text: "a disc" } };
}
