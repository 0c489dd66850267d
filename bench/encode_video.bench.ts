/**
 * Pictures a second through `encode-video`, RGB to compressed, at the default settings of each
 * codec, and the longest time in which the event loop did not come round.
 *
 *     deno run -A bench/encode_video.bench.ts [threads]
 */

import type { Frames } from "../pipeline/data.ts";
import encodeVideo from "../plugins/encode_video/mod.ts";

const threads = Number(Deno.args[0] ?? 1);
const started = performance.now();
await import("../plugins/encode_video/stage.ts");
console.log(`loading: ${(performance.now() - started).toFixed(0)} ms; threads: ${threads}`);

for (const [width, height, chunks] of [[128, 128, 80], [832, 480, 10]] as const) {
  const pictures = Array.from({ length: chunks }, (_, i) => drawn(i, width, height));
  for (const container of ["mp4", "webm", "gif", "webp", "png"] as const) {
    const codecs = container === "mp4"
      ? ["h264", "hevc", "av1", "vp9"] as const
      : [container === "webm" ? "vp9" as const : undefined];
    for (const codec of codecs) {
      const forms = codec === undefined ? ["file"] : ["file", "stream"];
      for (const form of forms) await measure(pictures, container, codec, form === "stream");
    }
  }
}

async function measure(
  pictures: readonly Frames[],
  container: "mp4" | "webm" | "gif" | "webp" | "png",
  codec: "h264" | "hevc" | "av1" | "vp9" | undefined,
  stream: boolean,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = stream
    ? {}
    : { path: `${folder}/out${container === "png" ? "-%05d" : ""}.${container}` };
  const spec = encodeVideo({ ...(codec && { codec }), container, ...path });
  await using stage = await encodeVideo.create(spec.options as never, {
    device: "cpu",
    threads,
    directory: ".",
    signal: new AbortController().signal,
    warn: () => {},
  });
  let [longest, last] = [0, performance.now()];
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const begun = performance.now();
  let bytes = 0;
  async function* input() {
    yield* pictures;
  }
  const signal = new AbortController().signal;
  const context = { signal, stop: signal, whenRunning: () => Promise.resolve(), report: () => {} };
  for await (const part of stage.process(input(), context)) bytes += part.data.length;
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(timer);
  for await (const { name } of Deno.readDir(folder)) {
    bytes += (await Deno.stat(`${folder}/${name}`)).size;
  }
  await Deno.remove(folder, { recursive: true });
  const [, height, width] = pictures[0]!.shape;
  const count = pictures.length * pictures[0]!.shape[0];
  console.log(
    `${width}x${height} ${container} ${codec ?? ""} ${stream ? "stream" : "file"}: ` +
      `${(count / seconds).toFixed(0)} frames/s, ${(bytes / count).toFixed(0)} bytes a frame, ` +
      `event loop held ${longest.toFixed(0)} ms at most`,
  );
}

/** A ball on a gradient with a little noise, 12 pictures: as hard as a decoder's output. */
function drawn(index: number, width: number, height: number): Frames {
  const data = new Uint8Array(12 * height * width * 3);
  let at = 0;
  for (let f = index * 12; f < index * 12 + 12; f++) {
    const centre = width / 2 + Math.sin(f / 8) * width / 3;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const ball = (x - centre) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2;
        const grain = (x * 7 + y * 13 + f * 29) % 5;
        data[at++] = (ball ? 220 : x * 200 / width) + grain;
        data[at++] = (ball ? 30 : y * 200 / height) + grain;
        data[at++] = 60 + grain;
      }
    }
  }
  const prompt = { text: "a red ball" };
  return { index, last: false, data, shape: [12, height, width, 3], first: index * 12, prompt };
}
