import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { crc32 } from "node:zlib";
import { Buffer } from "node:buffer";
import { UserError } from "../../pipeline/errors.ts";
import { readClipEnd, readStill } from "../../plugins/encode_picture/read.ts";
import { turnedMiddle } from "../../plugins/encode_picture/turn.ts";
import { MovieOutput } from "../../plugins/encode_video/movie_output.ts";
import { resolveSettings } from "../../plugins/encode_video/settings.ts";
import encodeVideo from "../../plugins/encode_video/mod.ts";
import { png } from "./_png.ts";

const { signal } = new AbortController();

/** A JPEG of 48 × 32 pixels whose quarters are red and green, blue and white below them. */
const JPEG = Uint8Array.fromBase64(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDg" +
    "sLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU" +
    "FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAgADADAREAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAgKCf" +
    "/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAZAQEAAwEBAAAAAAAAAAAAAAAABwkKBgj/xAAUEQEAAAAAAAAAAAAAAAAA" +
    "AAAA/9oADAMBAAIRAxEAPwCdEGLUwAFjISZjwAEcptacAAFjISZjwAHLxoze5QAGltVY7gABmkWpuHAAaW1VjuAAH/" +
    "/Z",
);

/** The same as a lossless WebP. */
const WEBP = Uint8Array.fromBase64(
  "UklGRjwAAABXRUJQVlA4TC8AAAAvL8AHAB8gEEjeHzoNAUkS/f/s+s9/1DAM1LRtBJVkSR7JN3PniP5PQGFjZkJjZgA=",
);

/** A HEIC of two tiles beside each other. */
const TILES = Uint8Array.fromBase64(
  "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAbxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA" +
    "AAAAAAAAAA5waXRtAAAAAAADAAAAOmlsb2MAAAAARAAAAwABAAAAAQAAAeAAAAAdAAIAAAABAAAB4AAAAB0AAwAAAAEA" +
    "AAH9AAAACAAAAE1paW5mAAAAAAADAAAAFWluZmUCAAABAAEAAGh2YzEAAAAAFWluZmUCAAABAAIAAGh2YzEAAAAAFWlu" +
    "ZmUCAAAAAAMAAGdyaWQAAAAAHGlyZWYAAAAAAAAAEGRpbWcAAwACAAEAAgAAAN5pcHJwAAAAtWlwY28AAAB1aHZjQwED" +
    "cAAAAAAAAAAAAB7wAPz9+PgAAA8DIAABABhAAQwB//8DcAAAAwCQAAADAAADAB66AkAhAAEAKEIBAQNwAAADAJAAAAMA" +
    "AAMAHqAggQWW6kkprmwIAAADAAgAAAMACEAiAAEAB0QBwXKwIkAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAA" +
    "AAMICAgAAAAUaXNwZQAAAAAAAACAAAAAQAAAACFpcG1hAAAAAAAAAAMAAQOBAoMAAgOBAoMAAwIEgwAAAC1tZGF0AAAA" +
    "GSgBrxOA5qhw0//+JpR//Vjnh+nl0tJ5v3wAAAABAIAAQA==",
);

/** EXIF with nothing but the orientation. */
function exif(orientation: number, little = true): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(26));
  bytes.setUint16(0, little ? 0x4949 : 0x4d4d);
  bytes.setUint16(2, 42, little);
  bytes.setUint32(4, 8, little);
  bytes.setUint16(8, 1, little);
  for (const [at, value] of [[10, 0x112], [12, 3]] as const) bytes.setUint16(at, value, little);
  bytes.setUint32(14, 1, little);
  bytes.setUint16(18, orientation, little);
  return new Uint8Array(bytes.buffer);
}

function jpegWith(tags: Uint8Array): Uint8Array {
  const length = tags.length + 8;
  const marker = Uint8Array.of(0xff, 0xe1, length >> 8, length & 255);
  const name = new TextEncoder().encode("Exif\0\0");
  return new Uint8Array(Buffer.concat([JPEG.subarray(0, 2), marker, name, tags, JPEG.subarray(2)]));
}

function pngWith(tags: Uint8Array): Uint8Array {
  const quarters = png(48, 32, (x, y) => COLOURS[`${y < 16 ? "RG" : "BW"}`[x < 24 ? 0 : 1]!]!);
  const chunk = Buffer.alloc(tags.length + 12);
  chunk.writeUInt32BE(tags.length, 0);
  chunk.write("eXIf", 4, "latin1");
  chunk.set(tags, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, tags.length + 8)), tags.length + 8);
  // Behind the signature and the header.
  return new Uint8Array(Buffer.concat([quarters.subarray(0, 33), chunk, quarters.subarray(33)]));
}

function webpWith(tags: Uint8Array): Uint8Array {
  const part = (name: string, data: Uint8Array) => {
    const head = Buffer.alloc(8);
    head.write(name, "latin1");
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data, new Uint8Array(data.length % 2)]);
  };
  // EXIF is inside; width and height less one.
  const extended = part("VP8X", Uint8Array.of(8, 0, 0, 0, 47, 0, 0, 31, 0, 0));
  const body = [Buffer.from("WEBP"), extended, WEBP.subarray(12), part("EXIF", tags)];
  return new Uint8Array(part("RIFF", Buffer.concat(body)));
}

const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  R: [255, 0, 0],
  G: [0, 255, 0],
  B: [0, 0, 255],
  W: [255, 255, 255],
};

/** The quarters' colours, row by row. */
function quarters(pixels: Uint8Array, width: number, height: number): string {
  const places = [[1, 1], [3, 1], [1, 3], [3, 3]].map(([x, y]) =>
    (Math.floor(y! * height / 4) * width + Math.floor(x! * width / 4)) * 3
  );
  return places.map((at) => {
    const pixel = [...pixels.subarray(at, at + 3)];
    const near = Object.entries(COLOURS).find(([, colour]) =>
      colour.every((value, i) => Math.abs(value - pixel[i]!) < 40)
    );
    return near?.[0] ?? `(${pixel})`;
  }).join("");
}

/** What each orientation makes of red and green above blue and white, by EXIF 2.32, 4.6.4 A. */
const SHOWN = ["RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"];

async function inFolder(use: (file: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  try {
    await use((name) => join(folder, name));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readStill() turns a photo as its EXIF says, in all eight ways", async () => {
  await inFolder(async (file) => {
    for (const [i, shown] of SHOWN.entries()) {
      for (const little of [true, false]) {
        await Deno.writeFile(file("a.jpg"), jpegWith(exif(i + 1, little)));
        const [width, height] = i < 4 ? [48, 32] : [32, 48];
        const pixels = await readStill(file("a.jpg"), { width, height, signal });
        assertEquals(quarters(pixels, width, height), shown, `orientation ${i + 1}`);
        // The middle is still the middle where something is cut off.
        const small = await readStill(file("a.jpg"), { width: 16, height: 16, signal });
        assertEquals(quarters(small, 16, 16), shown, `orientation ${i + 1}, cut`);
      }
    }
    // What EXIF does not know is no reason to turn anything.
    for (const orientation of [0, 9, 700]) {
      await Deno.writeFile(file("a.jpg"), jpegWith(exif(orientation)));
      const pixels = await readStill(file("a.jpg"), { width: 48, height: 32, signal });
      assertEquals(quarters(pixels, 48, 32), "RGBW");
    }
  });
});

Deno.test("readStill() turns PNG and WebP too", async () => {
  await inFolder(async (file) => {
    for (const [name, make] of [["a.png", pngWith], ["a.webp", webpWith]] as const) {
      for (const [i, shown] of SHOWN.entries()) {
        await Deno.writeFile(file(name), make(exif(i + 1)));
        const [width, height] = i < 4 ? [48, 32] : [32, 48];
        const pixels = await readStill(file(name), { width, height, signal });
        assertEquals(quarters(pixels, width, height), shown, `${name}, orientation ${i + 1}`);
      }
    }
  });
});

Deno.test("readStill() refuses a photo of tiles, of which it would show one", async () => {
  await inFolder(async (file) => {
    await Deno.writeFile(file("a.heic"), TILES);
    await assertRejects(
      () => readStill(file("a.heic"), { width: 16, height: 16, signal }),
      UserError,
      "a.heic cannot be read as a picture: it is made of tiles, as telephones store HEIC photos. Give a PNG, JPEG",
    );
  });
});

Deno.test("readClipEnd() turns a telephone's video as its display matrix says", async () => {
  await inFolder(async (file) => {
    const [width, height] = [48, 32];
    const data = new Uint8Array(2 * width * height * 3);
    for (let at = 0; at < data.length; at += 3) {
      const [x, y] = [at / 3 % width, Math.floor(at / 3 / width) % height];
      data.set(COLOURS[`${y < 16 ? "RG" : "BW"}`[x < 24 ? 0 : 1]!]!, at);
    }
    const settings = resolveSettings(encodeVideo.options.parse({ path: file("a.mp4"), crf: 1 }), {
      ...{ threads: 1, directory: ".", device: "cpu" },
    });
    await using output = new MovieOutput(settings, settings.video!);
    const shape = [2, height, width, 3] as const;
    await output.write({ index: 0, last: true, first: 0, shape, data, prompt: { text: "a" } });
    await output.finish();
    const movie = Buffer.from(await Deno.readFile(file("a.mp4")));
    // The matrix stands 44 bytes behind the name of the track's header.
    const at = movie.indexOf("tkhd", 0, "latin1") + 44;
    assertEquals([movie.readInt32BE(at), movie.readInt32BE(at + 16)], [65536, 65536]);
    const matrices = { 2: [-1, 0, 0, 1], 3: [-1, 0, 0, -1], 6: [0, 1, -1, 0], 8: [0, -1, 1, 0] };
    for (const [orientation, [a, b, c, d]] of Object.entries(matrices)) {
      [a, b, 0, c, d].forEach((value, i) => movie.writeInt32BE(value! * 65536, at + 4 * i));
      await Deno.writeFile(file("b.mp4"), movie);
      const size = Number(orientation) < 5 ? { width, height } : { width: height, height: width };
      const end = await readClipEnd(file("b.mp4"), { ...size, fps: 16, most: 5, signal });
      assertEquals(end.length, 2);
      const shown = SHOWN[Number(orientation) - 1]!;
      for (const pixels of end) assertEquals(quarters(pixels, size.width, size.height), shown);
    }
  });
});

Deno.test("turnedMiddle() is the same whether a picture is turned before or by it", () => {
  const [width, height] = [7, 4];
  const stored = Uint8Array.from({ length: width * height * 3 }, (_, i) => i);
  for (const transposed of [false, true]) {
    for (const mirrored of [false, true]) {
      for (const flipped of [false, true]) {
        const turn = { transposed, mirrored, flipped };
        const whole = transposed ? { width: height, height: width } : { width, height };
        const upright = turnedMiddle(stored, { width, height }, whole, turn);
        assertEquals(upright.toSorted(), stored.toSorted());
        const wanted = { width: 3, height: 2 };
        const none = { transposed: false, mirrored: false, flipped: false };
        assertEquals(
          turnedMiddle(stored, { width, height }, wanted, turn),
          turnedMiddle(upright, whole, wanted, none),
        );
      }
    }
  }
});
