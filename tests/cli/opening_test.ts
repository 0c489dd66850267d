import { assertEquals, assertStringIncludes } from "@std/assert";
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

Deno.test("generate --image names the counts of frames it can make", async () => {
  const words = ["generate", "a ball", "--image", "ball.png", "--frames", "81"];
  const { code, err, files } = await sluice(words, { "ball.png": ball });
  assertEquals([code, files], [2, []]);
  assertStringIncludes(
    err,
    "behind the first picture give 13, 25, 37, … frames. Nearest: 85 or 73",
  );
});

const MISTAKES: [words: string[], message: string][] = [
  [["--image", "none.png"], "--image: there is no file none.png"],
  [["--video", "."], "--video: . is no file"],
  [["--image", "words.png"], "words.png cannot be read as a picture"],
  [["--video", "words.png"], "words.png cannot be read as a clip"],
  [["--image", "ball.png", "--video", "ball.png"], "--image"],
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
