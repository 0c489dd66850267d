import { assertEquals, assertThrows } from "@std/assert";
import {
  broadcastShapes,
  byteLength,
  elementCount,
  sameShape,
  stridesOf,
} from "../../../engine/tensor/mod.ts";

Deno.test("elementCount() and byteLength() multiply the sizes", () => {
  assertEquals(elementCount([]), 1);
  assertEquals(elementCount([2, 3, 4]), 24);
  assertEquals(elementCount([2, 0, 4]), 0);
  assertEquals(byteLength("float16", [2, 3]), 12);
  assertEquals(byteLength("int64", []), 8);
});

Deno.test("elementCount() refuses sizes that are no sizes", () => {
  assertThrows(() => elementCount([2, -1]), RangeError, "[2, -1]: expected whole sizes from 0");
  assertThrows(() => elementCount([1.5]), RangeError, "got 1.5");
  assertThrows(() => elementCount([NaN]), RangeError, "got NaN");
  assertThrows(() => elementCount([2 ** 30, 2 ** 30]), RangeError, "more than 2^53 − 1");
});

Deno.test("stridesOf() and sameShape()", () => {
  assertEquals(stridesOf([2, 3, 4]), [12, 4, 1]);
  assertEquals(stridesOf([]), []);
  assertEquals(sameShape([1, 2], [1, 2]), true);
  assertEquals(sameShape([1, 2], [2]), false);
  assertEquals(sameShape([1, 2], [1, 3]), false);
});

Deno.test("broadcastShapes() follows the rule of NumPy", () => {
  assertEquals(broadcastShapes(), []);
  assertEquals(broadcastShapes([3, 1], [4]), [3, 4]);
  assertEquals(broadcastShapes([], [5, 2]), [5, 2]);
  assertEquals(broadcastShapes([1, 1, 7], [3, 1, 1], [2, 1]), [3, 2, 7]);
  assertEquals(broadcastShapes([0], [1]), [0]);
  assertThrows(
    () => broadcastShapes([2, 3], [3, 3]),
    TypeError,
    "cannot broadcast [2, 3] with [3, 3]: expected equal sizes or 1 at axis -2, got 2 and 3",
  );
  assertThrows(() => broadcastShapes([0], [2]), TypeError, "got 0 and 2");
});
