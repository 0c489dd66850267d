import { assertEquals } from "@std/assert";
import { fit, halfBlocks, shrink } from "../../cli/picture.ts";

function picture(width: number, height: number, ...bytes: number[]) {
  return { width, height, data: Uint8Array.from(bytes) };
}

Deno.test("halfBlocks() draws two rows in one line, upper pixel in front", () => {
  const lines = halfBlocks(picture(2, 2, 255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3));
  assertEquals(lines, [
    "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[38;2;0;255;0m\x1b[48;2;1;2;3m▀\x1b[0m",
  ]);
});

Deno.test("halfBlocks() writes a colour only where it changes", () => {
  const lines = halfBlocks(picture(2, 2, 9, 9, 9, 9, 9, 9, 1, 1, 1, 2, 2, 2));
  assertEquals(lines, ["\x1b[38;2;9;9;9m\x1b[48;2;1;1;1m▀\x1b[48;2;2;2;2m▀\x1b[0m"]);
});

Deno.test("halfBlocks() leaves the background alone below a last odd row", () => {
  assertEquals(halfBlocks(picture(1, 1, 4, 5, 6)), ["\x1b[38;2;4;5;6m▀\x1b[0m"]);
});

Deno.test("fit() keeps proportions, stays inside, never enlarges and gives an even height", () => {
  const at = (columns: number, rows: number) => fit(picture(128, 96), columns, rows);
  assertEquals(at(64, 100), { width: 64, height: 48 });
  assertEquals(at(400, 12), { width: 32, height: 24 });
  assertEquals(at(400, 400), { width: 120, height: 90 });
  assertEquals(fit(picture(8, 8), 200, 200), { width: 8, height: 8 });
  assertEquals(fit(picture(100, 1), 10, 10), { width: 10, height: 2 });
});

Deno.test("shrink() takes the mean of the pixels that become one", () => {
  const small = shrink(
    picture(4, 2, ...[0, 2, 10, 20].flatMap((v) => [v, v, v]), ...Array(12).fill(4)),
    2,
    1,
  );
  assertEquals([...small.data], [3, 3, 3, 10, 10, 10]);
  assertEquals([small.width, small.height], [2, 1]);
});

Deno.test("shrink() to the same size copies", () => {
  const whole = picture(2, 1, 1, 2, 3, 4, 5, 6);
  const same = shrink(whole, 2, 1);
  assertEquals([...same.data], [1, 2, 3, 4, 5, 6]);
  whole.data.fill(0);
  assertEquals(same.data[0], 1);
});
