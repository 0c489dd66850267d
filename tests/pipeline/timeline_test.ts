import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../pipeline/errors.ts";
import { formatTime, parseTime, pictureAt, timeline } from "../../pipeline/timeline.ts";

Deno.test("parseTime() reads seconds, and minutes with seconds", () => {
  const times = {
    "2.5s": 2.5,
    "2.5": 2.5,
    " 3 s ": 3,
    "0": 0,
    ".5": 0.5,
    "1:05": 65,
    "1:5.5": 65.5,
  };
  for (const [text, seconds] of Object.entries(times)) {
    assertEquals(parseTime(text), seconds, text);
  }
  for (const text of ["", "s", "-2", "+2", "40f", "1e3", "2,5", "1:65", "1:05s", "1:", "1:2:3"]) {
    assertEquals(parseTime(text), undefined, text);
  }
});

Deno.test("formatTime() writes seconds, from a minute on as on a clock", () => {
  assertEquals(
    [2.5, 4.3125, 59.999, 65, 600.5].map(formatTime),
    ["2.5 s", "4.31 s", "1:00", "1:05", "10:00.5"],
  );
});

Deno.test("pictureAt() gives the first picture that is not earlier, whatever rounding does", () => {
  assertEquals([2.5, 2.501, 2.5625].map((time) => pictureAt(time, 16)), [40, 41, 41]);
  // 0.3 * 10 and 1.1 * 10 are a little more than 3 and 11 in binary.
  assertEquals([0.3, 1.1].map((time) => pictureAt(time, 10)), [3, 11]);
});

Deno.test("timeline() sorts what follows and counts it in pictures", () => {
  const first = { text: "a", seed: 3, then: [{ from: 9, text: "old" }] };
  const later = [{ at: 4, prompt: "c" }, { at: 2.51, prompt: "b" }];
  assertEquals(timeline(first, later, { fps: 16 }), {
    text: "a",
    seed: 3,
    then: [{ from: 41, text: "b" }, { from: 64, text: "c" }],
  });
  assertEquals(timeline(first, [], { fps: 16 }), { text: "a", seed: 3 });
});

Deno.test("timeline() refuses times that are none, and two that are the same", () => {
  for (const at of [0, -1, NaN, Infinity]) {
    assertThrows(
      () => timeline({ text: "a" }, [{ at, prompt: "b" }], { fps: 16 }),
      UserError,
      `The prompt "b" cannot begin at ${at} s: expected a time above 0`,
    );
  }
  assertThrows(
    () => timeline({ text: "a" }, [{ at: 65, prompt: "b" }, { at: 65, prompt: "c" }], { fps: 16 }),
    UserError,
    'Two prompts begin at 1:05: "b" and "c".',
  );
});
