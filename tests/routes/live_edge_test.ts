import { assertEquals } from "@std/assert";
import { chooseMode, evictable, followEdge } from "../../routes/(_studio)/live_edge.ts";

Deno.test("followEdge() leaves a player alone that shows everything, however far ahead the stream is", () => {
  const ranges = [{ start: 0, end: 60 }];
  assertEquals(followEdge({ time: 2, ranges, following: false }), { rate: 1 });
  assertEquals(followEdge({ time: 0, ranges: [], following: true }), { rate: 1 });
});

Deno.test("followEdge() hurries a player that falls behind, and lets it leap where that would take long", () => {
  const ranges = [{ start: 0, end: 20 }];
  assertEquals(followEdge({ time: 19, ranges, following: true }), { rate: 1 });
  assertEquals(followEdge({ time: 16, ranges, following: true }), { rate: 1.12 });
  assertEquals(followEdge({ time: 10, ranges, following: true }), { seek: 19, rate: 1 });
});

Deno.test("followEdge() does not leap to before the newest range", () => {
  const ranges = [{ start: 0, end: 4 }, { start: 12, end: 12.5 }];
  assertEquals(followEdge({ time: 2, ranges, following: true }), { seek: 12, rate: 1 });
});

Deno.test("followEdge() goes over the gap that dropped segments left", () => {
  const ranges = [{ start: 0, end: 2 }, { start: 3.5, end: 5 }];
  // At the end of a range a browser stands still although more is here.
  assertEquals(followEdge({ time: 1.96, ranges, following: false }), { seek: 3.5, rate: 1 });
  assertEquals(followEdge({ time: 2.4, ranges, following: false }), { seek: 3.5, rate: 1 });
  assertEquals(followEdge({ time: 1.5, ranges, following: false }), { rate: 1 });
});

Deno.test("followEdge() begins where a late joiner's stream begins", () => {
  const ranges = [{ start: 28.31, end: 33.56 }];
  assertEquals(followEdge({ time: 0, ranges, following: false }), { seek: 28.31, rate: 1 });
  assertEquals(followEdge({ time: 0, ranges, following: true }), { seek: 28.31, rate: 1 });
  assertEquals(followEdge({ time: 28.3, ranges, following: true }), { seek: 28.31, rate: 1 });
});

Deno.test("followEdge() waits at the newest picture", () => {
  const ranges = [{ start: 0, end: 2 }];
  assertEquals(followEdge({ time: 2, ranges, following: true }), { rate: 1 });
});

Deno.test("evictable() keeps a minute, and is not asked to remove crumbs", () => {
  assertEquals(evictable(200, [{ start: 0, end: 210 }]), { start: 0, end: 140 });
  assertEquals(evictable(80, [{ start: 0, end: 90 }]), undefined);
  assertEquals(evictable(200, []), undefined);
});

Deno.test("chooseMode() takes what the browser can do best", () => {
  const can = (source: boolean, direct: string) => ({ source: () => source, direct: () => direct });
  assertEquals(chooseMode("video/mp4", can(true, "probably")), "source");
  assertEquals(chooseMode("video/mp4", can(false, "maybe")), "direct");
  assertEquals(chooseMode("video/mp4", can(false, "")), "wait");
});
