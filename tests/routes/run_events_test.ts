import { assertEquals } from "@std/assert";
import { applyEvent, isOver, type WatchedRun } from "../../routes/(_studio)/run_events.ts";
import type { RunServerEvent } from "../../server/wire.ts";
import { runWith } from "./_run.ts";

function after(...events: RunServerEvent[]): WatchedRun {
  const start: WatchedRun = { run: runWith({ state: "starting" }), warnings: [] };
  return events.reduce(applyEvent, start);
}

const chunk = (stage: string, index: number, seconds: number, frames: number) =>
  ({ type: "chunk", stage, chunk: index, seconds, frames, at: 1 }) as const;

Deno.test("applyEvent() sums a chunk's time by stage, and counts pictures rather than latent frames", () => {
  const { run } = after(
    chunk("diffuse", 0, 0.25, 3),
    chunk("decode", 0, 0.5, 9),
    chunk("diffuse", 1, 0.125, 3),
    chunk("decode", 0, 0.5, 9),
  );
  assertEquals(run.chunks, [
    { index: 0, frames: 9, stages: { diffuse: 0.25, decode: 1 } },
    { index: 1, frames: 3, stages: { diffuse: 0.125 } },
  ]);
  assertEquals(run.timings.stages, [
    { stage: "diffuse", chunks: 2, seconds: 0.375 },
    { stage: "decode", chunks: 2, seconds: 1 },
  ]);
});

Deno.test("applyEvent() keeps as many chunks as the server does", () => {
  const { run } = after(...Array.from({ length: 300 }, (_, i) => chunk("diffuse", i, 0.1, 3)));
  assertEquals([run.chunks.length, run.chunks[0]!.index], [256, 44]);
});

Deno.test("applyEvent() is streaming with the first media, and stays over once it is", () => {
  const media = {
    type: "media",
    frames: 9,
    bytes: 100,
    firstFrameSeconds: 0.2,
    realTimeFactor: 2,
    at: 1,
  } as const;
  const { run } = after(media);
  assertEquals([run.state, run.frames, run.realTimeFactor], ["streaming", 9, 2]);
  const over = runWith({ state: "finished", frames: 81 });
  assertEquals(after({ type: "done", run: over }, media).run.state, "finished");
});

Deno.test("applyEvent() forgets the step when the run is over", () => {
  const step = { type: "step", stage: "diffuse", chunk: 2, step: 3, steps: 4, at: 1 } as const;
  assertEquals(after(step).step, { chunk: 2, step: 3, steps: 4 });
  assertEquals("step" in after(step, { type: "done", run: runWith() }), false);
});

Deno.test("applyEvent() has an extended prompt only where it differs", () => {
  const prompt = (text: string) =>
    ({ type: "prompt", stage: "extend-prompt", chunk: 0, text, at: 0 }) as const;
  assertEquals(after(prompt("a red ball hovers")).run.extendedPrompt, "a red ball hovers");
  assertEquals("extendedPrompt" in after(prompt("x"), prompt("a red ball")).run, false);
});

Deno.test("applyEvent() tells each warning once", () => {
  const warning = { type: "warning", message: "no shape", at: 0 } as const;
  assertEquals(after(warning, warning).warnings, ["no shape"]);
});

Deno.test("isOver() is true of the three last states", () => {
  const states = ["queued", "starting", "streaming", "finished", "cancelled", "failed"] as const;
  assertEquals(states.map(isOver), [false, false, false, true, true, true]);
});
