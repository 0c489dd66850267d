import { assertAlmostEquals, assertEquals } from "@std/assert";
import { layOutStrip, roundUp, stageShares } from "../../routes/(_studio)/strip.ts";

const chunk = (index: number, diffuse: number, decode: number) => ({
  index,
  frames: 12,
  stages: { decode, diffuse },
});

Deno.test("layOutStrip() stacks the stages in the pipeline's order from the bottom up", () => {
  const { columns, scale } = layOutStrip([chunk(0, 0.2, 0.1)], {
    stages: ["diffuse", "decode", "encode-video"],
    height: 60,
  });
  assertEquals(scale, 0.3);
  const [{ parts, seconds }] = columns as [typeof columns[0]];
  assertAlmostEquals(seconds, 0.3);
  assertEquals(parts.map(({ stage }) => stage), ["diffuse", "decode"]);
  assertAlmostEquals(parts[0]!.height, 40);
  assertAlmostEquals(parts[0]!.y, 20);
  assertAlmostEquals(parts[1]!.y, 0);
});

Deno.test("layOutStrip() leaves places for the chunks to come, so that columns do not move", () => {
  const options = { stages: ["diffuse"], total: 10, height: 10 };
  const early = layOutStrip([chunk(0, 1, 0)], options);
  const late = layOutStrip(Array.from({ length: 10 }, (_, i) => chunk(i, 1, 0)), options);
  assertEquals([early.places, late.places], [10, 10]);
  assertEquals(early.columns[0]!.x, late.columns[0]!.x);
  const last = late.columns.at(-1)!;
  assertAlmostEquals(last.x + last.width, 100 - 10 * 0.125);
});

Deno.test("layOutStrip() shows the newest chunks where there are too many", () => {
  const chunks = Array.from({ length: 60 }, (_, i) => chunk(i, 1, 1));
  const { columns, places } = layOutStrip(chunks, { stages: [], total: null, height: 1, most: 48 });
  assertEquals([places, columns[0]!.index, columns.at(-1)!.index], [48, 12, 59]);
});

Deno.test("layOutStrip() takes no chunks", () => {
  const { columns, places } = layOutStrip([], { stages: ["diffuse"], height: 10 });
  assertEquals([columns.length, places], [0, 7]);
});

Deno.test("roundUp() gives round numbers that are large enough", () => {
  assertEquals([0.001, 0.11, 0.16, 0.3, 0.51, 0.71, 1, 1.01, 42].map(roundUp), [
    ...[0.001, 0.15, 0.2, 0.3, 0.7, 1, 1, 1.5, 50],
  ]);
});

Deno.test("stageShares() sums to one, or to nothing", () => {
  const shares = stageShares([{ stage: "a", seconds: 3 }, { stage: "b", seconds: 1 }]);
  assertEquals(shares.map(({ share }) => share), [0.75, 0.25]);
  assertEquals(stageShares([{ stage: "a", seconds: 0 }])[0]!.share, 0);
});
