import { assertEquals, assertThrows } from "@std/assert";
import {
  cacheSlots,
  checkWindow,
  planChunks,
  slotOf,
  visible,
  visibleFrames,
} from "../../../engine/diffusion/mod.ts";

Deno.test("cacheSlots() goes round behind the sink, in two segments where it wraps", () => {
  const window = { window: 7, sink: 1, chunk: 4 };
  assertEquals(cacheSlots(0, 4, window), [{ offset: 0, slot: 0, frames: 4 }]);
  assertEquals(cacheSlots(4, 4, window), [
    { offset: 0, slot: 4, frames: 3 },
    { offset: 3, slot: 1, frames: 1 },
  ]);
  assertEquals(cacheSlots(8, 4, window), [{ offset: 0, slot: 2, frames: 4 }]);
  assertEquals([0, 1, 6, 7, 12, 13].map((f) => slotOf(f, window)), [0, 1, 6, 1, 6, 1]);
});

Deno.test("visibleFrames() is the reference's window rule", () => {
  // local_attn_size 6, chunks of 3: the chunk before; with a sink of 3, the first chunk and itself.
  assertEquals(visibleFrames(12, { window: 6, sink: 0 }), [6, 7, 8, 9, 10, 11]);
  assertEquals(visibleFrames(12, { window: 6, sink: 3 }), [0, 1, 2, 9, 10, 11]);
  assertEquals(visibleFrames(12, { window: 6, sink: 1 }), [0, 7, 8, 9, 10, 11]);
  assertEquals(visibleFrames(6, { window: 6, sink: 3 }), [0, 1, 2, 3, 4, 5]);
  assertEquals(visibleFrames(3, { window: 6, sink: 3 }), [0, 1, 2]);
});

Deno.test("planChunks() fills the cache so that its visible prefix is the reference's window", () => {
  let tried = 0;
  for (let window = 1; window <= 11; window++) {
    for (let chunk = 1; chunk <= window; chunk++) {
      for (let sink = 0; sink + chunk <= window; sink++) {
        const cache = new Array<number | undefined>(window);
        const run = { window, sink, chunk, latentFrames: 0 };
        for (const plan of planChunks(run)) {
          if (plan.frame > 4 * window) break;
          let offset = 0;
          for (const segment of plan.slots) {
            assertEquals(segment.offset, offset);
            for (let i = 0; i < segment.frames; i++) {
              cache[segment.slot + i] = plan.frame + offset++;
            }
          }
          assertEquals(offset, chunk);
          const end = plan.frame + chunk;
          const seen = cache.slice(0, plan.visible);
          const rule = Array.from({ length: end }, (_, f) => f)
            .filter((f) => end <= window || f < sink || f >= end - (window - sink));
          assertEquals([...seen].sort((a, b) => a! - b!), rule, JSON.stringify({ run, plan }));
          assertEquals(cache.slice(plan.visible).every((f) => f === undefined), true);
          assertEquals(visibleFrames(end, run), rule);
          assertEquals(visible(end, run), rule.length);
          tried++;
        }
      }
    }
  }
  assertEquals(tried > 2000, true, `${tried}`);
});

Deno.test("checkWindow() refuses sizes that cannot work, with the way out", () => {
  checkWindow({ window: 6, sink: 3, chunk: 3 });
  assertThrows(
    () => checkWindow({ window: 6, sink: 4, chunk: 3 }),
    RangeError,
    "cannot keep a sink of 4 latent frames and a chunk of 3 in a window of 6: expected sink + chunk ≤ " +
      "window, got 7 > 6; use a window of at least 7, or a sink of at most 3",
  );
  assertThrows(
    () => checkWindow({ window: 2, sink: 0, chunk: 3 }),
    RangeError,
    "cannot make chunks of 3 latent frames in a window of 2, for a chunk must see itself: " +
      "expected chunk ≤ window, got 3 > 2; use a window of at least 3 or a smaller chunk",
  );
  assertThrows(() => checkWindow({ window: 6, sink: -1, chunk: 3 }), RangeError, "a sink of -1");
  assertThrows(() => checkWindow({ window: 6, sink: 0, chunk: 0 }), RangeError, "a chunk of 0");
  assertThrows(() => checkWindow({ window: NaN, sink: 0, chunk: 1 }), RangeError, "window of NaN");
});

Deno.test("planChunks() ends with the run, and refuses a length that is no number of chunks", () => {
  const window = { window: 9, sink: 0, chunk: 3 };
  const plans = [...planChunks({ ...window, latentFrames: 9 })];
  assertEquals(plans.map((p) => [p.index, p.frame, p.frames, p.last, p.visible]), [
    [0, 0, 3, false, 3],
    [1, 3, 3, false, 6],
    [2, 6, 3, true, 9],
  ]);
  assertThrows(
    () => [...planChunks({ ...window, latentFrames: 20 })],
    RangeError,
    "cannot make 20 latent frames in chunks of 3: expected a multiple of 3, such as 18 or 21",
  );
  assertThrows(
    () => [...planChunks({ ...window, latentFrames: 2 })],
    RangeError,
    "expected a multiple of 3, such as 3",
  );
  assertThrows(
    () => [...planChunks({ ...window, latentFrames: -3 })],
    RangeError,
    "cannot make -3 latent frames: expected a whole number from 0 (endless)",
  );
});
