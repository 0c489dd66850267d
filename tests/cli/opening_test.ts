import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decode, diffuse, encodePicture } from "../../mod.ts";
import { withEncoder } from "../../pipeline/opening.ts";
import { readClipEnd } from "../../plugins/encode_picture/read.ts";
import { assertNothingOpen, sluice } from "../_sluice.ts";
import { png } from "../plugins/_png.ts";

const FLOOR = 90;

/** A drawn ball over a floor. */
const ball = png(128, 128, (x, y) => {
  if (y >= FLOOR) return [60, 154, 60];
  return (x - 64) ** 2 + (y - 50) ** 2 < 18 ** 2 ? [208, 32, 32] : [200, 216, 232];
});

const { signal } = new AbortController();

/** Whether a picture of 128 × 128 has the ball's red at a place. */
function isRed(pixels: Uint8Array, x: number, y: number): boolean {
  const [red, green, blue] = pixels.subarray((y * 128 + x) * 3);
  return red! > 120 && green! < 90 && blue! < 90;
}

/** What a run gives as JSON, and its pictures. */
async function made(
  words: readonly string[],
  files: Readonly<Record<string, Uint8Array>>,
): Promise<{ frames: number; pictures: Uint8Array[]; film: Uint8Array }> {
  let pictures: Uint8Array[] = [];
  let film = new Uint8Array();
  const { code, out } = await sluice(
    ["generate", "a red ball bounces on a green floor", "--out", "o.mp4", "--json", ...words],
    files,
    async () => {
      const wanted = { height: 128, width: 128, fps: 16, most: 100, signal };
      pictures = await readClipEnd("o.mp4", wanted).catch(() => []);
      film = await Deno.readFile("o.mp4").catch(() => new Uint8Array());
    },
  );
  assertEquals(code, 0, out);
  assertNothingOpen();
  return { frames: JSON.parse(out).frames, pictures, film };
}

Deno.test("generate --image begins with the picture, and --video goes on from a clip's end", async () => {
  const image = ["--image", "ball.png"];
  const first = await made([...image, "--frames", "25"], { "ball.png": ball });
  assertEquals([first.frames, first.pictures.length], [25, 25]);
  const [opening] = first.pictures as [Uint8Array];
  assertEquals([isRed(opening, 64, 50), isRed(opening, 64, 10)], [true, false]);
  assertEquals([opening[(120 * 128 + 64) * 3 + 1]! > 120, isRed(opening, 20, 50)], [true, false]);
  // What goes on is that ball: red stays near its column, the corners stay without.
  for (const pixels of first.pictures) {
    const rows = Array.from({ length: 128 }, (_, y) => y);
    assertEquals(rows.some((y) => isRed(pixels, 64, y)), true);
    assertEquals([isRed(pixels, 4, 4), isRed(pixels, 124, 4)], [false, false]);
  }
  const last = first.pictures.slice(-21);
  const next = await made(["--video", "clip.mp4", "--frames", "33"], { "clip.mp4": first.film });
  assertEquals(next.frames, 33);
  const difference = (a: Uint8Array, b: Uint8Array) =>
    a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
  // It begins with the clip's last pictures, in their places.
  for (const i of [0, 7, 14, 20]) {
    assertEquals(difference(next.pictures[i]!, last[i]!) < 6, true, `picture ${i} differs`);
  }
});

/** Where in a picture of 128 × 128 a colour is, on average, and how much of it there is. */
function placeOf(pixels: Uint8Array, colour: "red" | "blue") {
  let [rows, columns, count] = [0, 0, 0];
  for (let at = 0; at < 128 * 128; at++) {
    const [red, green, blue] = pixels.subarray(at * 3) as unknown as [number, number, number];
    const [own, other] = colour === "red" ? [red, blue] : [blue, red];
    if (own < 120 || other > 0.6 * own || green > 0.7 * own) continue;
    rows += Math.floor(at / 128);
    columns += at % 128;
    count++;
  }
  return { row: rows / count, column: columns / count, count };
}

Deno.test("generate --video --strength makes another ball where the clip's ball is", async () => {
  const words = ["--frames", "33", "--seed", "1"];
  const clip = await made(words, {});
  const over = ["a blue ball bounces on a green floor", "--video", "clip.mp4", "--seed", "2"];
  let pictures: Uint8Array[] = [];
  const run = await sluice(
    ["generate", ...over, "--strength", "0.5", "--frames", "81", "--out", "o.mp4", "--json"],
    { "clip.mp4": clip.film },
    async () => {
      const wanted = { height: 128, width: 128, fps: 16, most: 100, signal };
      pictures = await readClipEnd("o.mp4", wanted);
    },
  );
  assertEquals(run.code, 0, run.out);
  // As long as the clip, not as --frames allows.
  assertEquals([JSON.parse(run.out).frames, pictures.length], [33, 33]);
  const apart = pictures.map((pixels, i) => {
    const [is, was] = [placeOf(pixels, "blue"), placeOf(clip.pictures[i]!, "red")];
    assertEquals(is.count > 200 && placeOf(pixels, "red").count < 60, true, `picture ${i}`);
    return Math.hypot(is.row - was.row, is.column - was.column);
  });
  const mean = apart.reduce((a, b) => a + b, 0) / apart.length;
  assertEquals(mean < 8, true, `the balls are ${mean} pixels apart`);
  const shorter = await sluice(
    ["generate", ...over, "--strength", "0.5", "--frames", "21", "--out", "o.mp4"],
    { "clip.mp4": clip.film },
  );
  assertEquals(shorter.code, 0, shorter.err);
  assertStringIncludes(shorter.err, "Only the first 21 pictures of clip.mp4 are made over");
  // Nobody has read the clip beforehand, so that nobody says how many frames are to come.
  assertMatch(shorter.err, /^chunk \d: \d+ frames,/m);
  const own = await sluice(["generate", ...over, "--config", "over.yaml", "--out", "o.mp4"], {
    "clip.mp4": clip.film,
    "over.yaml": `name: over
stages:
  - use: encode-text
  - use: encode-picture
    with: { strength: 0.5 }
  - use: diffuse
  - use: decode
  - use: encode-video
`,
  });
  assertMatch(own.err, /^chunk \d: \d+ frames,/m);
  assertNothingOpen();
});

Deno.test("withEncoder() tells the encoder what the decoder is told of the same network", () => {
  const decoder = decode({ precision: "float32", threads: 3, sizes: { encoderWidth: 32 } });
  const [encoder] = withEncoder([diffuse(), decoder], { kind: "image" }, [encodePicture]);
  const { precision, threads, sizes, network } = encoder!.options as Record<string, unknown>;
  assertEquals({ precision, threads, sizes, network }, {
    ...{ precision: "float32", threads: 3, network: "embedded" },
    sizes: { encoderWidth: 32 },
  });
});

Deno.test("generate --image names the counts of frames it can make", async () => {
  const words = ["generate", "a ball", "--image", "ball.png", "--frames", "81"];
  const { code, err, files } = await sluice(words, { "ball.png": ball });
  assertEquals([code, files], [2, []]);
  assertStringIncludes(
    err,
    "behind the first picture give 13, 25, 37, … frames. Nearest: 85 or 73",
  );
});

Deno.test("generate --frames 1 makes a picture where the first frame is a chunk of its own, and none is given", async () => {
  const words = ["generate", "a red ball", "--frames", "1", "-o", "o.mp4", "--json"];
  const alone = await sluice([...words, "--set", "diffuse.independent-first-frame=true"]);
  assertEquals([alone.code, JSON.parse(alone.out).frames], [0, 1], alone.err);
  const given = await sluice([...words, "--image", "ball.png"], { "ball.png": ball });
  assertEquals([given.code, given.files], [2, []]);
  assertStringIncludes(given.out, "A video of 1 frame cannot be made");
  assertStringIncludes(given.out, "Nearest: 13;");
});

const MISTAKES: [words: string[], message: string][] = [
  [["--image", "none.png"], "--image: there is no file none.png"],
  [["--video", "."], "--video: . is no file"],
  [["--image", "words.png"], "words.png cannot be read as a picture"],
  [["--video", "words.png"], "words.png cannot be read as a clip"],
  [["--image", "ball.png", "--video", "ball.png"], "--image"],
  [
    ["--strength", "0.5"],
    "--strength says how much of a clip is changed: name the clip by --video",
  ],
  [["--video", "ball.png", "--strength", "0"], "--strength: expected above 0 and at most 1"],
  [
    ["--video", "ball.png", "--strength", "1.5"],
    "expected above 0 and at most 1, such as 0.6, got 1.5",
  ],
  [["--image", "ball.png", "--strength", "0.5"], "--image"],
  [["--negative", "a\0b"], "The negative prompt holds a NUL character at position 2"],
];
for (const [words, message] of MISTAKES) {
  Deno.test(`generate ${JSON.stringify(words)} is the user's mistake`, async () => {
    const all = ["generate", "a ball", "--out", "o.mp4", ...words];
    const { code, err, files } = await sluice(all, { "ball.png": ball, "words.png": "words" });
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(err, message);
    assertNothingOpen();
  });
}

Deno.test("generate --negative is heard by a guided sampler, and warns where it is not", async () => {
  const words = ["generate", "a red ball", "--frames", "9", "-o", "o.mp4", "--negative", "blue"];
  const plain = await sluice(words);
  assertEquals(plain.code, 0, plain.err);
  assertStringIncludes(plain.err, "The negative prompt is not heard");
  const guided = await sluice([
    ...words,
    ...["sampler=unipc", "steps=2", "guidance=2"].flatMap((set) => ["--set", `diffuse.${set}`]),
  ]);
  assertEquals([guided.code, guided.err.includes("not heard")], [0, false], guided.err);
});
