import { assertEquals, assertThrows } from "@std/assert";
import { latentsFor, nearestCounts, picturesOf } from "../../pipeline/pictures.ts";

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
