import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import type { Frames, Media, Prompt } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import type { RunContext } from "../../pipeline/stage.ts";
import encodeVideo from "../../plugins/encode_video/mod.ts";
import { colourAt, decodeBytes, type DecodedVideo, decodeFile } from "./_decode.ts";

type Options = Parameters<typeof encodeVideo>[0];
type Colour = readonly [number, number, number];

const prompt: Prompt = { text: "a red ball — ボール 🎈", seed: 7 };
const corners: readonly Colour[] = [[220, 30, 40], [20, 200, 60], [40, 60, 230], [240, 230, 20]];

/** A chunk whose corners are red, green, blue and yellow; a white bar moves down with time. */
function chunk(index: number, count: number, options: Partial<Chunk> = {}): Frames {
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

function runContext(options: Partial<RunContext> = {}): RunContext {
  return {
    signal: new AbortController().signal,
    stop: new AbortController().signal,
    whenRunning: () => Promise.resolve(),
    report: () => {},
    ...options,
  };
}

async function open(options: Options, device = "cpu") {
  const spec = encodeVideo(options);
  return await encodeVideo.create(spec.options as never, {
    device,
    threads: 2,
    directory: Deno.cwd(),
    signal: new AbortController().signal,
    warn: () => {},
  });
}

async function* from<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function encode(
  options: Options,
  chunks: Iterable<Frames> | AsyncIterable<Frames>,
  context = runContext(),
): Promise<Media[]> {
  await using stage = await open(options);
  const input = Symbol.asyncIterator in chunks ? chunks : from(chunks);
  return await Array.fromAsync(stage.process(input, context));
}

function chunks(n: number, count = 12, options: Partial<Chunk> = {}): Frames[] {
  return Array.from({ length: n }, (_, i) => chunk(i, count, options));
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Each corner within `tolerance` of what was drawn: shows matrix, range, channel order, orientation. */
function assertCorners(video: DecodedVideo, tolerance: number): void {
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

const movies = [
  { container: "mp4", codec: "h264", tag: "avc1", name: "h264" },
  { container: "mp4", codec: "hevc", tag: "hvc1", name: "hevc" },
  { container: "mp4", codec: "av1", tag: "av01", name: "dav1d" },
  { container: "mp4", codec: "vp9", tag: "vp09", name: "vp9" },
  { container: "webm", codec: "vp9", tag: undefined, name: "vp9" },
  { container: "webm", codec: "av1", tag: undefined, name: "dav1d" },
] as const;

for (const { container, codec, tag, name } of movies) {
  Deno.test(`encode-video writes ${codec} in ${container} to a file`, () =>
    inFolder(async (folder) => {
      const path = join(folder, `out.${container}`);
      const parts = await encode({ path, codec, container, fps: 24 }, chunks(3));
      assertEquals(parts.length, 1);
      const [{ type, ...part }] = parts as [Media];
      assertEquals(part, {
        part: "file",
        data: new Uint8Array(0),
        path,
        first: 0,
        frames: 36,
        key: true,
      });
      assertMatch(type, new RegExp(`^video/${container}; codecs="\\w+[.].+"$`));
      assertEquals(names(folder), [`out.${container}`]);
      const video = await decodeFile(path);
      assertEquals(video.frames.length, 36);
      assertEquals([video.width, video.height, video.fps], [128, 96, 24]);
      assert(Math.abs(video.duration - 1.5) < 0.05, `${video.duration}`);
      assertMatch(video.codec, new RegExp(`${name}|${codec}`));
      if (tag !== undefined) assertEquals(video.tag, tag);
      // BT.709 and limited range, as tagged and as coded.
      assertEquals([video.colorSpace, video.colorRange], [1, 1]);
      assertCorners(video, 14);
      assertEquals(video.metadata.title, prompt.text);
      const comment = JSON.parse(video.metadata.comment ?? video.metadata.COMMENT ?? "");
      assertEquals(comment, { software: "sluice", prompt: prompt.text, seed: 7 });
    }));

  Deno.test(`encode-video streams ${codec} in ${container}, a key segment a chunk`, async () => {
    const parts = await encode({ codec, container, fps: 24 }, chunks(3));
    assertEquals(parts.map(({ part }) => part), ["init", "segment", "segment", "segment"]);
    assertEquals(parts.map(({ frames }) => frames), [0, 12, 12, 12]);
    assertEquals(parts.map(({ first }) => first), [0, 0, 12, 24]);
    assertEquals(parts.map(({ key }) => key), [false, true, true, true]);
    assert(parts.every(({ data, path }) => data.length > 0 && path === undefined));
    const video = await decodeBytes(parts.map(({ data }) => data));
    assertEquals(video.frames.length, 36);
    assertCorners(video, 14);
    assert(Math.abs(video.frames[35]!.seconds - 35 / 24) < 0.002);
    // Somebody who joins late has the init part and what comes after.
    const late = await decodeBytes([parts[0]!.data, parts[2]!.data, parts[3]!.data]);
    assertEquals(late.frames.length, 24);
    assertCorners(late, 14);
    const last = await decodeBytes([parts[0]!.data, parts[3]!.data]);
    assertEquals(last.frames.length, 12);
  });

  Deno.test(`encode-video gives the same bytes of ${codec} in ${container} twice`, async () => {
    const [first, second] = [
      await encode({ codec, container, threads: 2 }, chunks(2)),
      await encode({ codec, container, threads: 2 }, chunks(2)),
    ];
    assertEquals(first, second);
    await inFolder(async (folder) => {
      const [a, b] = [join(folder, `a.${container}`), join(folder, `b.${container}`)];
      await encode({ path: a, codec, threads: 2 }, chunks(3));
      await encode({ path: b, codec, threads: 2 }, chunks(3));
      assertEquals(await Deno.readFile(a), await Deno.readFile(b));
    });
  });
}

Deno.test("encode-video puts the index of an mp4 before the pictures", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    await encode({ path }, chunks(2));
    assertEquals(boxes(await Deno.readFile(path)), ["ftyp", "moov", "free", "mdat"]);
  }));

function boxes(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += view.getUint32(at)) {
    found.push(new TextDecoder().decode(bytes.subarray(at + 4, at + 8)));
  }
  return found;
}

Deno.test("encode-video streams init boxes once and a fragment a segment", async () => {
  const parts = await encode({}, chunks(2));
  assertEquals(parts.map(({ data }) => boxes(data)), [["ftyp", "moov"], ["moof", "mdat"], [
    "moof",
    "mdat",
  ]]);
  assertMatch(parts[0]!.type, /^video\/mp4; codecs="avc1\.64[0-9a-f]{4}"$/);
});

Deno.test("encode-video gives a chunk's segment before it asks for the next chunk", async () => {
  for (const codec of ["h264", "hevc", "av1", "vp9"] as const) {
    const order: string[] = [];
    const input = async function* () {
      for (const frames of chunks(3)) {
        order.push(`chunk ${frames.index}`);
        yield await Promise.resolve(frames);
      }
    };
    await using stage = await open({ codec, container: "mp4" });
    for await (const part of stage.process(input(), runContext())) {
      order.push(`${part.part} ${part.frames}`);
    }
    assertEquals(order, [
      "chunk 0",
      "init 0",
      "segment 12",
      "chunk 1",
      "segment 12",
      "chunk 2",
      "segment 12",
    ], codec);
  }
});

Deno.test("encode-video spaces the key frames of a stream by keyInterval", async () => {
  const parts = await encode({ keyInterval: 24 }, chunks(5));
  assertEquals(parts.slice(1).map(({ key }) => key), [true, false, true, false, true]);
  const video = await decodeBytes([parts[0]!, parts[3]!, parts[4]!].map(({ data }) => data));
  assertEquals(video.frames.length, 24);
});

Deno.test("encode-video streams and stores at once when fragmented", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    const during: string[][] = [];
    async function* input() {
      for (const frames of chunks(2)) {
        yield await Promise.resolve(frames);
        during.push(names(folder));
      }
    }
    const parts = await encode({ path, fragmented: true }, input());
    assertEquals(parts.map(({ part }) => part), ["init", "segment", "segment", "file"]);
    assertEquals(parts[3]!.frames, 24);
    assertEquals(parts[3]!.path, path);
    assertMatch(during[0]!.join(), /^\.out\.mp4\.[0-9a-f]{8}\.part$/);
    assertEquals(names(folder), ["out.mp4"]);
    const stored = await Deno.readFile(path);
    const streamed = parts.slice(0, 3).flatMap(({ data }) => [...data]);
    assertEquals([...stored.subarray(0, streamed.length)], streamed);
    assertEquals(boxes(stored.subarray(streamed.length)), ["mfra"]);
    assertEquals((await decodeFile(path)).frames.length, 24);
  }));

Deno.test("encode-video reports the bytes of each part", async () => {
  const events: StageEvent[] = [];
  const parts = await encode({}, chunks(2), runContext({ report: (event) => events.push(event) }));
  assertEquals(events, parts.map(({ data }) => ({ type: "bytes", bytes: data.length })));
});

Deno.test("encode-video takes one picture, and chunks of unequal length", async () => {
  const one = await encode({}, [chunk(0, 1)]);
  assertEquals((await decodeBytes(one.map(({ data }) => data))).frames.length, 1);
  await inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    await encode({ path }, [chunk(0, 9), chunk(1, 12, { first: 9 }), chunk(2, 1, { first: 21 })]);
    const video = await decodeFile(path);
    assertEquals(video.frames.length, 22);
    assertEquals(video.fps, 16);
  });
});

Deno.test("encode-video numbers its parts from the first picture it was given", async () => {
  const parts = await encode({}, [chunk(4, 3, { first: 45 }), chunk(5, 3, { first: 48 })]);
  assertEquals(parts.map(({ first }) => first), [45, 45, 48]);
  const video = await decodeBytes(parts.map(({ data }) => data));
  assertEquals(video.frames[0]!.seconds, 0);
});

Deno.test("encode-video writes fractional rates exactly", async () => {
  for (const [fps, expected] of [[23.976, 24000 / 1001], [12.5, 12.5], [29.97, 30000 / 1001]]) {
    const parts = await encode({ fps: fps! }, chunks(2));
    const video = await decodeBytes(parts.map(({ data }) => data));
    assert(Math.abs(video.fps - expected!) < 1e-6, `${fps}: ${video.fps}`);
  }
});

Deno.test("encode-video tells every prompt of a run and the config's label", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    const later = { text: "a blue square", seed: 8 };
    await encode({ path, label: "embedded" }, [chunk(0, 4), chunk(1, 4, { text: later })]);
    const { metadata } = await decodeFile(path);
    assertEquals(metadata.title, prompt.text);
    assertEquals(JSON.parse(metadata.comment!), {
      software: "sluice",
      config: "embedded",
      prompt: prompt.text,
      seed: 7,
      prompts: [
        { frame: 0, prompt: prompt.text, seed: 7 },
        { frame: 4, prompt: "a blue square", seed: 8 },
      ],
    });
    await encode({ path, metadata: false }, [chunk(0, 4)]);
    const bare = await decodeFile(path);
    assertEquals([bare.metadata.title, bare.metadata.comment], [undefined, undefined]);
  }));

Deno.test("encode-video makes a GIF with right colours, timing and comment", async () => {
  const options = { container: "gif", fps: 10 } as const;
  const parts = await encode(options, chunks(3, 6));
  assertEquals(parts.length, 1);
  const [{ data, ...part }] = parts as [Media];
  assertEquals(part, { part: "file", type: "image/gif", first: 0, frames: 18, key: true });
  const video = await decodeBytes([data]);
  assertEquals([video.frames.length, video.width, video.height], [18, 128, 96]);
  assertCorners(video, 16);
  assert(Math.abs(video.frames[17]!.seconds - 1.7) < 0.011);
  const text = new TextDecoder("latin1").decode(data);
  assert(text.includes("NETSCAPE2.0"), "plays for ever");
  assert(new TextDecoder().decode(data).includes('"seed":7'));
  assertEquals(await encode(options, chunks(3, 6)), parts);
});

Deno.test("encode-video's GIF keeps pictures apart when palettes alternate", async () => {
  // Black and white, then reds, then black and white again: the same indices mean other colours.
  const plain = (index: number, colour: Colour): Frames => {
    const data = new Uint8Array(2 * 16 * 16 * 3);
    for (let i = 0; i < data.length; i += 3) data.set(colour, i);
    return { index, last: false, data, shape: [2, 16, 16, 3], first: index * 2, prompt };
  };
  const parts = await encode({ container: "gif" }, [
    plain(0, [10, 10, 10]),
    plain(1, [250, 0, 0]),
    plain(2, [10, 10, 10]),
    plain(3, [250, 0, 0]),
  ]);
  const video = await decodeBytes([parts[0]!.data]);
  const reds = video.frames.map((frame) => colourAt(frame, 16, 8, 8)[0]);
  assertEquals(reds.map((red) => red > 128), [false, false, true, true, false, false, true, true]);
});

Deno.test("encode-video makes an animated WebP", async () => {
  const [{ data, ...part }] = await encode({ container: "webp", fps: 10 }, chunks(2, 5)) as [Media];
  assertEquals(part, { part: "file", type: "image/webp", first: 0, frames: 10, key: true });
  const view = new DataView(data.buffer, data.byteOffset);
  const name = (at: number) => new TextDecoder().decode(data.subarray(at, at + 4));
  assertEquals([name(0), name(8), view.getUint32(4, true)], ["RIFF", "WEBP", data.length - 8]);
  let duration = 0;
  let firstPicture: Uint8Array | undefined;
  for (let at = 12; at < data.length;) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "ANMF") {
      duration += view.getUint32(at + 8 + 12, true) & 0xffffff;
      firstPicture ??= data.subarray(at + 8 + 16, at + 8 + size);
    }
    at += 8 + size + size % 2;
  }
  assert(Math.abs(duration - 1000) <= 100, `${duration} ms`);
  // FFmpeg reads single pictures only, so the first is given a file of its own.
  const header = new Uint8Array(12);
  header.set(new TextEncoder().encode("RIFF"));
  new DataView(header.buffer).setUint32(4, firstPicture!.length + 4, true);
  header.set(new TextEncoder().encode("WEBP"), 8);
  const video = await decodeBytes([header, firstPicture!]);
  assertCorners(video, 14);
});

Deno.test("encode-video makes a PNG a picture, exact to the bit", async () => {
  const input = chunks(2, 2);
  const parts = await encode({ container: "png" }, input);
  assertEquals(parts.map(({ part, first, frames, type }) => [part, first, frames, type]), [
    ["file", 0, 1, "image/png"],
    ["file", 1, 1, "image/png"],
    ["file", 2, 1, "image/png"],
    ["file", 3, 1, "image/png"],
  ]);
  for (const [i, { data }] of parts.entries()) {
    const video = await decodeBytes([data]);
    const size = 128 * 96 * 3;
    const { data: source } = input[Math.floor(i / 2)]!;
    const expected = source.subarray(i % 2 * size, (i % 2 + 1) * size);
    assertEquals(video.frames[0]!.pixels, expected);
    assert(new TextDecoder().decode(data).includes(`iTXtTitle\0\0\0\0\0${prompt.text}`));
  }
});

Deno.test("encode-video writes numbered PNG files into a folder or by a pattern", () =>
  inFolder(async (folder) => {
    const made = join(folder, "made");
    const parts = await encode({ path: made, container: "png" }, chunks(2, 2));
    assertEquals(names(made), ["00000.png", "00001.png", "00002.png", "00003.png"]);
    assertEquals(names(folder), ["made"]);
    assertEquals(parts.map(({ part, path, frames }) => [part, path, frames]), [["file", made, 4]]);
    await encode({ path: join(made, "f-%03d.png") }, chunks(1, 2));
    assertEquals(names(made).slice(4), ["f-000.png", "f-001.png"]);
    await assertRejects(
      () => open({ path: join(folder, "x.png") }),
      UserError,
      "expected a folder or a pattern with %d. Write " + join(folder, "x-%05d.png"),
    );
    await assertRejects(
      () => open({ path: join(made, "f-%03d.png"), overwrite: false }),
      UserError,
      "overwrite is false",
    );
  }));

Deno.test("encode-video takes odd sizes where the format does and refuses them by name elsewhere", async () => {
  const odd = chunks(1, 2, { width: 33, height: 25 });
  for (const container of ["gif", "png"] as const) {
    const parts = await encode({ container }, odd);
    const video = await decodeBytes([parts[0]!.data]);
    assertEquals([video.width, video.height], [33, 25]);
    assertCorners(video, 16);
  }
  await encode({ container: "webp" }, odd);
  for (const codec of ["h264", "hevc", "av1", "vp9"] as const) {
    await assertRejects(
      () => encode({ codec, container: "mp4" }, odd),
      UserError,
      `Cannot encode pictures of 33×25 as ${codec}: expected an even width and height`,
    );
  }
});

Deno.test("encode-video refuses a size that changes and data that does not fit its shape", async () => {
  await assertRejects(
    () => encode({}, [chunk(0, 2), chunk(1, 2, { width: 64 })]),
    TypeError,
    "Cannot encode chunk 1: the size of its pictures changed within the run, expected 128×96, got 64×96",
  );
  await assertRejects(
    () => encode({}, [{ ...chunk(0, 2), data: new Uint8Array(5) }]),
    TypeError,
    "Cannot encode chunk 0: expected 73728 bytes of RGB",
  );
});

Deno.test("encode-video refuses to encode nothing, unless the run was stopped", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    await assertRejects(() => encode({ path }, []), UserError, "There is nothing to encode");
    const stop = AbortSignal.abort();
    assertEquals(await encode({ path }, [], runContext({ stop })), []);
    assertEquals(names(folder), []);
  }));

Deno.test("encode-video completes the file when its input ends early", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    const stop = new AbortController();
    async function* input() {
      yield chunk(0, 9);
      yield chunk(1, 12, { first: 9 });
      stop.abort();
      await Promise.resolve();
    }
    await encode({ path }, input(), runContext({ stop: stop.signal }));
    assertEquals((await decodeFile(path)).frames.length, 21);
  }));

for (const name of ["out.mp4", "out.webm", "out.gif", "out.webp", "pngs/"]) {
  Deno.test(`encode-video leaves nothing of ${name} when the run fails or is given up`, () =>
    inFolder(async (folder) => {
      const path = name === "pngs/" ? join(folder, name) : join(folder, "new", name);
      // Aborted while it waits for a chunk that never comes.
      const abort = new AbortController();
      async function* hanging() {
        yield chunk(0, 4);
        setTimeout(() => abort.abort(new Error("Ctrl-C")), 10);
        await new Promise(() => {});
      }
      await assertRejects(
        () => encode({ path }, hanging(), runContext({ signal: abort.signal })),
        Error,
        "Ctrl-C",
      );
      assertEquals(names(folder), []);
      // The stage before fails.
      async function* failing() {
        yield chunk(0, 4);
        await Promise.resolve();
        throw new Error("upstream failed");
      }
      await assertRejects(() => encode({ path }, failing()), Error, "upstream failed");
      assertEquals(names(folder), []);
    }));
}

Deno.test("encode-video leaves nothing when a listener of a stream goes away", () =>
  inFolder(async (folder) => {
    let ended = false;
    async function* input() {
      try {
        yield* chunks(5);
      } finally {
        ended = true;
        await Promise.resolve();
      }
    }
    await using stage = await open({ path: join(folder, "out.mp4"), fragmented: true });
    for await (const part of stage.process(input(), runContext())) {
      if (part.part === "segment") break;
    }
    assert(ended);
    assertEquals(names(folder), []);
  }));

Deno.test("encode-video replaces an existing file only when all is well", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    await Deno.writeTextFile(path, "precious");
    const bad = [chunk(0, 2), chunk(1, 2, { width: 64 })];
    await assertRejects(() => encode({ path }, bad), TypeError);
    assertEquals(await Deno.readTextFile(path), "precious");
    await assertRejects(
      () => open({ path, overwrite: false }),
      UserError,
      `Cannot write ${path}: it exists and overwrite is false`,
    );
    await encode({ path }, chunks(1));
    assertEquals((await decodeFile(path)).frames.length, 12);
    assertEquals(names(folder), ["out.mp4"]);
  }));

Deno.test("encode-video refuses paths it cannot write before the run begins", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    await Deno.mkdir(join(folder, "dir.mp4"));
    const cases: [string, string][] = [
      [join(folder, "dir.mp4"), "it is a folder"],
      [join(folder, "a", "b", "out.mp4"), "neither the folder"],
      [join(folder, "file", "out.mp4"), "is not a folder"],
      [join(folder, "out.avi"), "expected an extension of .mp4"],
      [join(folder, "out"), "got none"],
    ];
    for (const [path, message] of cases) {
      const error = await assertRejects(() => open({ path }), UserError, message);
      assert(error.message.includes(folder), error.message);
    }
    await assertRejects(
      () => encode({ path: "/proc/sluice.mp4" }, chunks(1)),
      UserError,
      "Cannot write /proc/sluice.mp4",
    );
    assertEquals(names(folder), ["dir.mp4", "file"]);
  }));

Deno.test("encode-video makes the last folder of a path and takes names that look like protocols", () =>
  inFolder(async (folder) => {
    const path = join(folder, "new", "a:b c%d é.mp4");
    await encode({ path }, chunks(1));
    assertEquals(names(join(folder, "new")), ["a:b c%d é.mp4"]);
  }));

Deno.test("encode-video refuses options that contradict each other", async () => {
  const cases: [NonNullable<Options>, string][] = [
    [{ path: "x.gif", container: "mp4" }, "Cannot write mp4 to x.gif: its extension means gif"],
    [{ container: "webm", codec: "h264" }, "webm cannot hold h264: expected vp9 or av1"],
    [{ container: "gif", codec: "h264" }, "codec has no meaning for gif, got h264"],
    [{ container: "png", crf: 3 }, "crf has no meaning for png, got 3"],
    [{ container: "gif", keyInterval: 3 }, "key-interval has no meaning for gif"],
    [{ container: "gif", fps: 60 }, "A GIF cannot be played at 60 frames/s"],
    [{ container: "gif", encoder: "nvenc" }, "NVENC cannot write gif"],
    [{ codec: "h264", crf: 60 }, "crf of h264 goes from 0 to 51, got 60"],
    [{ preset: "fastest" }, 'Unknown preset "fastest" of h264: expected one of ultrafast'],
    [{ codec: "av1", preset: "14" }, 'Unknown preset "14" of av1: expected one of 0, 1'],
    [{ codec: "vp9", container: "mp4", encoder: "nvenc" }, "NVENC has no vp9 encoder"],
    [{ fragmented: false }, "Set path, or leave fragmented out"],
  ];
  for (const [options, message] of cases) {
    await assertRejects(() => open(options), UserError, message);
  }
  assertThrows(() => encodeVideo({ fps: 0 }), UserError, "fps");
  assertThrows(() => encodeVideo({ codec: "h265" as "hevc" }), UserError, "codec");
  assertThrows(() => encodeVideo({ threads: 0 }), UserError, "threads");
});

Deno.test("encode-video takes NVENC where the machine has it and refuses it by name elsewhere", async () => {
  const stage = await open({ encoder: "nvenc" }).catch((error) => error);
  if (stage instanceof Error) {
    assert(stage instanceof UserError);
    assertMatch(
      stage.message,
      /^Cannot encode h264 with NVENC on this machine .+ Set encoder to software\.$/,
    );
  } else {
    await using _ = stage;
  }
  // `auto` on a CUDA device falls back to software.
  await using automatic = await open({}, "cuda:0");
  const parts = await Array.fromAsync(automatic.process(from(chunks(2)), runContext()));
  const video = await decodeBytes(parts.map(({ data }) => data));
  assert(video.frames.length === 24);
});

Deno.test("encode-video can be run again, and frees what it used each time", async () => {
  await using stage = await open({});
  const first = await Array.fromAsync(stage.process(from(chunks(1)), runContext()));
  for (let i = 0; i < 30; i++) {
    const again = await Array.fromAsync(stage.process(from(chunks(1)), runContext()));
    assertEquals(again.length, first.length);
  }
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 60; i++) {
    await Array.fromAsync(stage.process(from(chunks(1)), runContext()));
  }
  const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
  assert(grown < 60, `${grown} MiB in 60 runs: an encoder alone takes more than 1 MiB`);
});

Deno.test("encode-video lets the event loop breathe", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await encode({}, chunks(4, 12, { width: 832, height: 480 }));
  } finally {
    clearInterval(timer);
  }
  assert(ticks >= 20, `${ticks} ticks`);
});

/** Bytes that no encoder makes small (a linear congruential generator, its upper bits). */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 1664525) + 1013904223) >>> 24);
}

Deno.test("encode-video says that the disk is full and leaves nothing", async (t) => {
  const folder = await Deno.makeTempDir();
  const mounted = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
    stderr: "null",
  }).output().then(({ success }) => success, () => false);
  try {
    if (!mounted) {
      await t.step({
        name: "skipped: a small tmpfs cannot be mounted here",
        ignore: true,
        fn() {},
      });
      return;
    }
    for (
      const options of [{ path: "out.mp4" }, { path: "out.gif" }, { path: "pngs/" }, {
        path: "out.webm",
        fragmented: true,
      }, { path: "out.webp", quality: 100 }]
    ) {
      const noisy = chunks(6, 12).map((frames) => ({
        ...frames,
        data: noise(frames.data.length),
      }));
      const path = join(folder, options.path);
      const error = await assertRejects(() => encode({ ...options, path }, noisy), Error);
      assertMatch(error.message, /Cannot write .*No space left on device.*Free some room/, path);
      assertEquals(names(folder), [], path);
    }
  } finally {
    if (mounted) await new Deno.Command("umount", { args: [folder] }).output();
    await Deno.remove(folder);
  }
});
