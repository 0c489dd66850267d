import { assertEquals, assertThrows } from "@std/assert";
import { isFinal, step } from "../../server/run_state.ts";
import type { RunState } from "../../server/wire.ts";

const STATES: readonly RunState[] = [
  "queued",
  "starting",
  "streaming",
  "finished",
  "cancelled",
  "failed",
];
const LEGAL = new Set([
  "queued starting",
  "queued cancelled",
  "starting streaming",
  "starting cancelled",
  "starting failed",
  "streaming finished",
  "streaming cancelled",
  "streaming failed",
]);

Deno.test("step() goes the eight legal ways and refuses the other 28", () => {
  let refused = 0;
  for (const from of STATES) {
    for (const to of STATES) {
      if (LEGAL.has(`${from} ${to}`)) assertEquals(step(from, to), to);
      else {
        assertThrows(
          () => step(from, to),
          Error,
          `A run cannot go from ${from} to ${to}: expected`,
        );
        refused++;
      }
    }
  }
  assertEquals(refused, 28);
  assertThrows(() => step("finished", "queued"), Error, "expected nothing.");
});

Deno.test("isFinal() knows the three ends", () => {
  assertEquals(STATES.filter(isFinal), ["finished", "cancelled", "failed"]);
});
