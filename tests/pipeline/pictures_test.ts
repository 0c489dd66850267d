import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import { definePlugin } from "../../pipeline/define.ts";
import {
  chunksOf,
  findDiffusion,
  latentsFor,
  nearestCounts,
  picturesOf,
} from "../../pipeline/pictures.ts";

Deno.test("picturesOf() counts one picture for the first latent frame and four for each other", () => {
  assertEquals([0, 1, 2, 3, 21].map(picturesOf), [0, 1, 5, 9, 81]);
});

Deno.test("latentsFor() is the inverse of picturesOf() for whole chunks", () => {
  assertEquals([9, 21, 81, 93].map((count) => latentsFor(count, 3)), [3, 6, 21, 24]);
  assertEquals([1, 5, 81].map((count) => latentsFor(count, 1)), [1, 2, 21]);
  assertEquals(latentsFor(0, 3), 0);
});

for (
  const [count, chunk, nearest] of [
    [80, 3, "81 or 69"],
    [75, 3, "69 or 81"],
    [82, 3, "81 or 93"],
    [1, 3, "9"],
    [-4, 3, "9"],
    [2, 1, "1 or 5"],
  ] as const
) {
  Deno.test(`latentsFor() refuses ${count} frames in chunks of ${chunk} and names ${nearest}`, () => {
    assertThrows(() => latentsFor(count, chunk), RangeError, `Nearest: ${nearest};`);
  });
}

Deno.test("nearestCounts() gives one count where the asked one is possible", () => {
  assertEquals(nearestCounts(81, 3), [81]);
});

Deno.test("latentsFor() makes a picture alone where the first is a chunk of its own and not given", () => {
  const alone = { alone: 1 };
  assertEquals([1, 13, 85].map((count) => latentsFor(count, 3, alone)), [1, 4, 22]);
  assertEquals([13, 85].map((count) => latentsFor(count, 3, { ...alone, given: true })), [4, 22]);
  const refused = (count: number, given: boolean) =>
    assertThrows(() => latentsFor(count, 3, { ...alone, given }), RangeError).message;
  assertStringIncludes(refused(5, false), "give 1, 13, 25, … frames. Nearest: 1 or 13;");
  assertStringIncludes(refused(1, true), "give 13, 25, 37, … frames. Nearest: 13;");
  assertStringIncludes(refused(-4, false), "Nearest: 1;");
});

Deno.test("latentsFor() offers no endless video where all is made at once", () => {
  const error = assertThrows(() => latentsFor(80, 1, { whole: true }), RangeError);
  assertEquals(
    error.message,
    "A video of 80 frames cannot be made: it is made of latent frames, which give 1, 5, 9, … frames. " +
      "Nearest: 81 or 77.",
  );
});

/** A plugin that makes chunks of three, or all at once. */
const making = definePlugin({
  name: "making",
  summary: "Makes latents.",
  takes: "conditioning",
  gives: "latents",
  options: z.object({
    atOnce: z.boolean().default(false),
    latentFrames: z.number().int().min(0).default(21),
    chunk: z.number().int().optional(),
    independentFirstFrame: z.boolean().default(false),
  }).superRefine(({ atOnce, latentFrames, chunk, independentFirstFrame: alone }, context) => {
    const refuse = (key: string) =>
      context.addIssue({ code: "custom", path: [key], message: "expected another" });
    if (atOnce) {
      if (chunk !== undefined) refuse("chunk");
      if (latentFrames === 0) refuse("latentFrames");
    } else if ((latentFrames - (alone && latentFrames > 0 ? 1 : 0)) % (chunk ?? 3) !== 0) {
      refuse("latentFrames");
    }
  }),
  create: () => {
    throw new Error("made in no test");
  },
});

Deno.test("findDiffusion() tells chunks, and a stage that makes all at once", () => {
  const of = (options: Parameters<typeof making>[0]) => {
    const { latents, chunk, whole, alone, ...found } = findDiffusion([making(options)])!;
    return [latents, chunk, whole, alone, chunksOf({ latents, chunk, whole, alone, ...found })];
  };
  assertEquals(of({}), [21, 3, false, 0, 7]);
  assertEquals(of({ chunk: 7 }), [21, 7, false, 0, 3]);
  assertEquals(of({ latentFrames: 0 }), [0, 3, false, 0, undefined]);
  assertEquals(of({ latentFrames: 7, independentFirstFrame: true }), [7, 3, false, 1, 3]);
  assertEquals(of({ latentFrames: 22, atOnce: true }), [22, 1, true, 0, 1]);
});
