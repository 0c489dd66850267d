import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import type { Frames, Media } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import { colourAt, decodeBytes } from "./_decode.ts";
import {
  assertCorners,
  chunks,
  type Colour,
  encode,
  inFolder,
  names,
  open,
  prompt,
} from "./_encode_video.ts";

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
