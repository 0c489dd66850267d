import { assert, assertRejects } from "@std/assert";
import { Pace } from "../../server/pace.ts";

const { signal } = new AbortController();

Deno.test("Pace lets the lead through at once and holds back what goes beyond it", async () => {
  const pace = new Pace(10);
  const began = performance.now();
  await pace.keep(9.9, signal);
  await pace.keep(0.2, signal);
  assert(performance.now() - began >= 90, "a tenth of a second was to be waited for");
});

Deno.test("Pace does not make up for time in which nothing was made", async () => {
  const pace = new Pace(0);
  await pace.keep(0.01, signal);
  await new Promise((resolve) => setTimeout(resolve, 80));
  const began = performance.now();
  await pace.keep(0.06, signal);
  assert(performance.now() - began >= 55, "the pause was made up for");
});

Deno.test("Pace gives up when the run is", async () => {
  const control = new AbortController();
  const waiting = new Pace(0).keep(60, control.signal);
  control.abort(new Error("given up"));
  await assertRejects(() => waiting, Error, "given up");
  await assertRejects(() => new Pace(0).keep(60, control.signal), Error, "given up");
});
