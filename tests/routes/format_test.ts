import { assertEquals } from "@std/assert";
import {
  formatAge,
  formatBytes,
  formatClock,
  formatCount,
  formatLabel,
  formatOrdinal,
  formatRate,
  formatSeconds,
} from "../../routes/(_studio)/format.ts";

Deno.test("formatSeconds() has three digits at most, in a fitting unit", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [0.0124, "12 ms"],
    [0.1, "0.10 s"],
    [0.994, "0.99 s"],
    [5.0625, "5.1 s"],
    [61.4, "61 s"],
    [150, "2:30"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatSeconds(seconds), text);
});

Deno.test("formatClock() counts whole seconds, and hours only where there are some", () => {
  assertEquals([0, 59.99, 60, 3729, NaN, Infinity, -1].map(formatClock), [
    "0:00",
    "0:59",
    "1:00",
    "1:02:09",
    "0:00",
    "0:00",
    "0:00",
  ]);
});

Deno.test("formatRate() and formatBytes() never round up to a digit too many", () => {
  assertEquals([0.416, 6.44, 103.2, Infinity].map(formatRate), ["0.42", "6.4", "103", "–"]);
  assertEquals([999, 1000, 53_009, 999_600, 3_440_000].map(formatBytes), [
    "999 B",
    "1 kB",
    "53 kB",
    "1.0 MB",
    "3.4 MB",
  ]);
});

Deno.test("formatOrdinal() knows the teens", () => {
  assertEquals([1, 2, 3, 4, 11, 12, 13, 21, 111].map(formatOrdinal), [
    ...["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "111th"],
  ]);
});

Deno.test("formatAge() says the day once hours no longer help", () => {
  const now = Date.parse("2026-03-05T12:00:00Z");
  assertEquals(formatAge("2026-03-05T11:59:30Z", now), "just now");
  assertEquals(formatAge("2026-03-05T11:15:00Z", now), "45 min ago");
  assertEquals(formatAge("2026-03-05T02:00:00Z", now), "10 h ago");
  assertEquals(formatAge("2026-03-03T11:00:00Z", now), "2026-03-03");
});

Deno.test("formatLabel() and formatCount() make words", () => {
  assertEquals(formatLabel("latent-frames"), "Latent frames");
  assertEquals([formatCount(1, "picture"), formatCount(0, "picture")], ["1 picture", "0 pictures"]);
});
