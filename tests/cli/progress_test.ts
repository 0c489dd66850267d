import { assertEquals } from "@std/assert";
import {
  advance,
  advanceOpening,
  BEGINNING,
  oneLine,
  type Plan,
  progressLine,
  rate,
  seconds,
  size,
  squeeze,
} from "../../cli/progress.ts";
import { plainLine } from "../../cli/view.ts";
import type { OpenEvent, RunEvent } from "../../pipeline/events.ts";

const PLAN: Plan = { stage: "decode", chunks: 7, frames: 81, fps: 16 };

const EVENTS: RunEvent[] = [
  { type: "prompt", stage: "extend-prompt", at: 0.1, chunk: 0, text: "a red ball" },
  { type: "step", stage: "diffuse", at: 0.2, chunk: 0, step: 1, steps: 4 },
  { type: "chunk", stage: "diffuse", at: 0.4, chunk: 0, seconds: 0.3, frames: 3 },
  { type: "chunk", stage: "decode", at: 0.5, chunk: 0, seconds: 0.1, frames: 9 },
  { type: "chunk", stage: "decode", at: 0.6, chunk: 1, seconds: 0.1, frames: 12 },
  { type: "step", stage: "diffuse", at: 0.7, chunk: 2, step: 2, steps: 4 },
  { type: "chunk", stage: "decode", at: 0.75, chunk: 2, seconds: 0.1, frames: 12 },
  { type: "finished", stage: "decode", at: 0.8 },
];

function after(count: number) {
  return EVENTS.slice(0, count).reduce((at, event) => advance(at, event, PLAN), BEGINNING);
}

Deno.test("advance() counts the pictures of the one stage that gives them", () => {
  assertEquals(after(EVENTS.length), {
    chunks: 3,
    frames: 33,
    at: 0.75,
    first: { at: 0.5, frames: 9 },
    step: { chunk: 2, step: 2, steps: 4 },
    prompt: "a red ball",
  });
});

Deno.test("rate() counts from the run's start, then from the first chunk on", () => {
  assertEquals(rate(after(0)), 0);
  assertEquals(rate(after(4)), 18);
  assertEquals(Math.round(rate(after(7))), 96);
});

Deno.test("progressLine() tells chunk, step, frames, speed, first frame and time", () => {
  const text = (count: number, plan = PLAN) =>
    squeeze(progressLine(after(count), plan, 1.2, 0.34), 200);
  assertEquals(text(0), "0/81 frames · 1.20 s");
  assertEquals(text(2), "chunk 1/7, step 1/4 · 0/81 frames · 1.20 s");
  assertEquals(
    text(7),
    "chunk 3/7, step 2/4 · 33/81 frames · 96.0 frames/s, 6.00× real time · " +
      "first frame after 0.84 s · 1.20 s",
  );
  const endless = { stage: "decode", fps: 16 };
  assertEquals(text(2, endless), "chunk 1, step 1/4 · 0 frames · 1.20 s");
});

Deno.test("progressLine() tells what takes long while stages are loaded, and nothing of it where it is over soon", () => {
  const events: OpenEvent[] = [
    { type: "loading", stage: "encode-text", at: 0, work: "checking weights", done: 9, total: 9 },
    { type: "loading", stage: "diffuse", at: 0, work: "onto the device", done: 0, total: 0 },
    { type: "loading", stage: "decode", at: 0, work: "checking weights", done: 1, total: 2 },
    { type: "loading", stage: "encode-text", at: 1, work: "weights in 8 bits", done: 2, total: 3 },
    { type: "loaded", stage: "decode", at: 2 },
  ];
  const progress = events.reduce(advanceOpening, BEGINNING);
  const text = (elapsed: number, early?: number) =>
    squeeze(progressLine(progress, PLAN, elapsed, early), 200);
  assertEquals(text(1.9), "loading · 1.90 s");
  assertEquals(
    text(3),
    "loading · encode-text: weights in 8 bits 66% · diffuse: onto the device · 3.00 s",
  );
  assertEquals(text(3, 1), "0/81 frames · 3.00 s");
  assertEquals(BEGINNING.loading, undefined);
});

Deno.test("squeeze() drops what tells least until the line fits", () => {
  const parts = progressLine(after(7), PLAN, 1.2, 0.34);
  assertEquals(
    squeeze(parts, 79),
    "chunk 3/7, step 2/4 · 33/81 frames · 96.0 frames/s, 6.00× real time · 1.20 s",
  );
  assertEquals(squeeze(parts, 50), "chunk 3/7, step 2/4 · 33/81 frames · 1.20 s");
  assertEquals(squeeze(parts, 20), "chunk 3/7, step 2/4");
  assertEquals(squeeze(parts, 5), "chunk");
  assertEquals(squeeze(parts, 0), "");
});

Deno.test("plainLine() tells of a chunk in one line", () => {
  assertEquals(plainLine(after(7), PLAN, 1.2), "chunk 3/7: 33/81 frames, 96.0 frames/s, 1.20 s");
});

Deno.test("seconds() and size() choose the unit that reads best", () => {
  assertEquals([0.123, 9.994, 12.34, 75.9].map(seconds), [
    "0.12 s",
    "9.99 s",
    "12.3 s",
    "1 min 15 s",
  ]);
  assertEquals([12, 1234, 123456, 7.5e9].map(size), ["12 bytes", "1.23 kB", "123 kB", "7.50 GB"]);
});

Deno.test("oneLine() lets no control character through, and nothing endless", () => {
  assertEquals(oneLine("a\x1b[2J\r\nb\0c\u2028d 🎈 "), "a [2J b c d 🎈");
  assertEquals(oneLine("x".repeat(100_000)), `${"x".repeat(299)}…`);
});
