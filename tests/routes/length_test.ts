import { assertEquals } from "@std/assert";
import { framesOf, lengthOf, withChange } from "../../routes/(_studio)/length.ts";
import { openingOf } from "../../routes/(_studio)/opening.ts";
import { formOf } from "../../routes/(_studio)/request.ts";
import type { PipelineView } from "../../server/wire.ts";
import { embedded, runWith } from "./_run.ts";

const form = formOf(runWith());
const opening = openingOf({ kind: "image", id: "u-0123456789abcdefghijklmn" });

/** The embedded pipeline, whose transformer may have a latent frame before the first chunk. */
function withAlone(alone: boolean, more: PipelineView["stages"] = []): PipelineView {
  const [extend, diffuse] = embedded.stages;
  const options = { ...diffuse!.options, "independent-first-frame": alone };
  const frames = alone ? 85 : 81;
  return { ...embedded, frames, stages: [extend!, ...more, { ...diffuse!, options }] };
}

Deno.test("lengthOf() counts in whole chunks, as the options have them", () => {
  assertEquals(lengthOf(embedded, form), { perChunk: 12, frames: 81, chunks: 7, alone: false });
  const texts = { "diffuse.chunk": "7" };
  assertEquals(lengthOf(embedded, { ...form, texts }), {
    ...{ perChunk: 28, frames: 81, chunks: 3, alone: false },
  });
  assertEquals(lengthOf(embedded, { ...form, frames: 0 }), {
    ...{ perChunk: 12, frames: 0, chunks: 7, alone: false },
  });
  assertEquals(lengthOf({ ...embedded, framesPerChunk: null }, form), undefined);
  assertEquals([1, 7].map((chunks) => framesOf(chunks, 12)), [9, 81]);
  assertEquals([1, 7].map((chunks) => framesOf(chunks, 12, true)), [13, 85]);
});

Deno.test("lengthOf() counts the picture that a video begins with", () => {
  const begun = { ...form, opening };
  const length = (pipeline: PipelineView, given: typeof form) => {
    const { frames, chunks, alone } = lengthOf(pipeline, given)!;
    return [frames, chunks, alone];
  };
  assertEquals(length(withAlone(false), form), [81, 7, false]);
  assertEquals(length(withAlone(false), begun), [85, 7, true]);
  assertEquals(length(withAlone(false), { ...begun, frames: 25 }), [25, 2, true]);
  assertEquals(length(withAlone(true), form), [85, 7, true]);
  // Where the transformer has no such option, and where the options forbid it, the picture stands still.
  assertEquals(length(embedded, begun), [81, 7, false]);
  const texts = { "diffuse.independent-first-frame": "false" };
  assertEquals(length(withAlone(false), { ...begun, texts }), [81, 7, false]);
  const clip = openingOf({ kind: "video", id: "0a-1" });
  assertEquals(length(withAlone(false), { ...form, opening: clip }), [81, 7, false]);
  const encoder = { ...embedded.stages[0]!, plugin: "encode-picture" };
  assertEquals(length(withAlone(false, [encoder]), begun), [81, 7, false]);
});

Deno.test("withChange() keeps the number of chunks when a picture comes or goes", () => {
  const pipeline = withAlone(false);
  const chosen = { ...form, frames: 33 };
  const begun = withChange(pipeline, chosen, { opening });
  assertEquals(begun.frames, 37);
  assertEquals(withChange(pipeline, begun, { opening: undefined }).frames, 33);
  assertEquals(withChange(pipeline, { ...form, frames: 0 }, { opening }).frames, 0);
  assertEquals(withChange(pipeline, form, { opening }).frames, undefined);
  assertEquals(withChange(pipeline, chosen, { opening, frames: 25 }).frames, 25);
  assertEquals(withChange(pipeline, chosen, { seed: "1" }).frames, 33);
});
