import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import type { Media } from "../../pipeline/data.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import { decodeBytes, decodeFile } from "./_decode.ts";
import {
  assertCorners,
  chunk,
  chunks,
  encode,
  inFolder,
  names,
  open,
  prompt,
  runContext,
} from "./_encode_video.ts";

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
