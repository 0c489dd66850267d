/** Drawn pictures to encode, and the plugin around them. */
import { assert } from "@std/assert";
import type { Frames, Media, Prompt } from "../../pipeline/data.ts";
import type { RunContext } from "../../pipeline/stage.ts";
import encodeVideo from "../../plugins/encode_video/mod.ts";
import { colourAt, type DecodedVideo } from "./_decode.ts";

export type Options = Parameters<typeof encodeVideo>[0];
export type Colour = readonly [number, number, number];

export const prompt: Prompt = { text: "a red ball — ボール 🎈", seed: 7 };
export const corners: readonly Colour[] = [[220, 30, 40], [20, 200, 60], [40, 60, 230], [
  240,
  230,
  20,
]];

/** A chunk whose corners are red, green, blue and yellow; a white bar moves down with time. */
export function chunk(index: number, count: number, options: Partial<Chunk> = {}): Frames {
  const { width = 128, height = 96, first = index * count, last = false, text = prompt } = options;
  const data = new Uint8Array(count * height * width * 3);
  for (let f = 0; f < count; f++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const bar = y >= height / 2 && y < height / 2 + 4 && x < (first + f) % width;
        const corner = (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);
        data.set(bar ? [255, 255, 255] : corners[corner]!, ((f * height + y) * width + x) * 3);
      }
    }
  }
  return { index, last, data, shape: [count, height, width, 3], first, prompt: text };
}

interface Chunk {
  width: number;
  height: number;
  first: number;
  last: boolean;
  text: Prompt;
}

export function runContext(options: Partial<RunContext> = {}): RunContext {
  return {
    signal: new AbortController().signal,
    stop: new AbortController().signal,
    whenRunning: () => Promise.resolve(),
    report: () => {},
    ...options,
  };
}

export async function open(options: Options, device = "cpu") {
  const spec = encodeVideo(options);
  return await encodeVideo.create(spec.options as never, {
    device,
    threads: 2,
    directory: Deno.cwd(),
    signal: new AbortController().signal,
    warn: () => {},
  });
}

export async function* from<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

export async function encode(
  options: Options,
  chunks: Iterable<Frames> | AsyncIterable<Frames>,
  context = runContext(),
): Promise<Media[]> {
  await using stage = await open(options);
  const input = Symbol.asyncIterator in chunks ? chunks : from(chunks);
  return await Array.fromAsync(stage.process(input, context));
}

export function chunks(n: number, count = 12, options: Partial<Chunk> = {}): Frames[] {
  return Array.from({ length: n }, (_, i) => chunk(i, count, options));
}

export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

export function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Each corner within `tolerance` of what was drawn: shows matrix, range, channel order, orientation. */
export function assertCorners(video: DecodedVideo, tolerance: number): void {
  const { width, height } = video;
  for (const frame of video.frames) {
    const places = [[8, 8], [width - 9, 8], [8, height - 9], [width - 9, height - 9]] as const;
    for (const [i, [x, y]] of places.entries()) {
      const colour = colourAt(frame, width, x, y);
      const error = Math.max(...colour.map((value, c) => Math.abs(value - corners[i]![c]!)));
      assert(error <= tolerance, `corner ${i}: expected ${corners[i]}, got ${colour}`);
    }
  }
}
