import { assertEquals } from "@std/assert";
import { LiveBlock } from "../../cli/screen.ts";
import { LiveView, PlainView } from "../../cli/view.ts";
import { fakeScreen } from "./_fakes.ts";

Deno.test("LiveBlock.draw() goes back up and replaces its lines", () => {
  const screen = fakeScreen({ live: true });
  const block = new LiveBlock(screen);
  block.draw(["a", "b"]);
  block.draw(["c", "d"]);
  assertEquals(screen.errors, "\ra\x1b[K\r\nb\x1b[K" + "\r\x1b[1Ac\x1b[K\r\nd\x1b[K");
});

Deno.test("LiveBlock.print() puts a line above, clear() and end() leave the cursor free", () => {
  const screen = fakeScreen({ live: true });
  const block = new LiveBlock(screen);
  block.draw(["a"]);
  block.print("note");
  block.clear();
  block.draw(["b"]);
  block.end();
  assertEquals(screen.errors, "\ra\x1b[K" + "\r\x1b[Jnote\n\ra\x1b[K" + "\r\x1b[J" + "\rb\x1b[K\n");
});

Deno.test("LiveView draws its line at most twenty times a second", () => {
  const screen = fakeScreen({ live: true });
  const view = new LiveView(screen, { stage: "decode", fps: 16 });
  for (let i = 0; i < 100; i++) view.progress({ chunks: i, frames: i, at: i / 100 }, i / 100, 0);
  const draws = screen.errors.split("frames ·").length - 1;
  assertEquals(draws >= 17 && draws <= 21, true, `${draws} draws`);
});

Deno.test("PlainView writes a line a chunk, at most one a second, and no escape codes", () => {
  const screen = fakeScreen({});
  const view = new PlainView(screen, { stage: "decode", fps: 16 });
  for (let i = 0; i < 60; i++) {
    view.progress({ chunks: Math.floor(i / 2), frames: i, at: i / 10 }, i / 10, 0);
  }
  const lines = screen.errors.trim().split("\n");
  assertEquals(lines.length >= 5 && lines.length <= 6, true, screen.errors);
  assertEquals(screen.errors.includes("\x1b"), false);
});

Deno.test("PlainView tells every ten seconds what takes long to load, and nothing of what does not", () => {
  const screen = fakeScreen({});
  const view = new PlainView(screen, { stage: "decode", fps: 16 });
  for (let i = 0; i < 250; i++) {
    const loading = new Map([["diffuse", `checking weights ${i % 100}%`]]);
    view.progress({ chunks: 0, frames: 0, at: 0, loading }, i / 10, i < 240 ? undefined : 24);
  }
  assertEquals(screen.errors.trim().split("\n"), [
    "loading: diffuse: checking weights 20%, 2.00 s",
    "loading: diffuse: checking weights 20%, 12.0 s",
    "loading: diffuse: checking weights 20%, 22.0 s",
  ]);
  const fast = fakeScreen({});
  const loading = new Map([["diffuse", "checking weights 1%"]]);
  new PlainView(fast, { stage: "decode", fps: 16 })
    .progress({ chunks: 0, frames: 0, at: 0, loading }, 1, undefined);
  assertEquals(fast.errors, "");
});
