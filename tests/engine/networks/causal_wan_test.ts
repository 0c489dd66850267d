import { assertEquals, assertThrows } from "@std/assert";
import {
  causalWan,
  rotaryTables,
  timestepSinusoid,
  tokensPerFrame,
  wan2_1_1_3b,
  wanContext,
} from "../../../engine/networks/mod.ts";
import { assertClose, Golden } from "../../_golden.ts";

Deno.test("causalWan() of wan2.1-1.3b has the published number of parameters and shapes", () => {
  const chunk = { frames: 3, height: 60, width: 104 };
  const graph = causalWan(wan2_1_1_3b, chunk);
  const parameters = new Map([
    ...graph.parameters,
    ...wanContext(wan2_1_1_3b).parameters,
  ]);
  const count = [...parameters.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b),
    0,
  );
  assertEquals(count, 1_418_996_800);
  assertEquals(tokensPerFrame(wan2_1_1_3b, chunk), 1560);
  const next = graph.outputs.find(({ name }) => name === "next")!;
  assertEquals(next.value.dims, [3, 16, 60, 104]);
  const cache = graph.inputs.find(({ name }) => name === "cache.29.v")!;
  assertEquals(cache.dims, [1, "cache", 1536]);
});

Deno.test("causalWan() refuses latents that do not divide into tokens", () => {
  assertThrows(
    () => causalWan(wan2_1_1_3b, { frames: 3, height: 61, width: 104 }),
    RangeError,
    "expected multiples of 2 and 2",
  );
});

Deno.test("timestepSinusoid() has the reference's values, cosines first", async () => {
  const golden = await Golden.open("causal_wan");
  const timesteps = [1000, 937.5, 833.3333129882812, 625, 0];
  for (const [i, timestep] of timesteps.entries()) {
    const expected = await golden.part("out.debug.sinusoidal", i, timesteps.length);
    assertClose(timestepSinusoid(timestep, 32), expected, 1e-7, `t = ${timestep}`);
  }
});

Deno.test("rotaryTables() counts frames from the chunk's place in the run", () => {
  const grid = { frames: 1, rows: 2, columns: 3 };
  const { cos, sin } = rotaryTables({ ...grid, firstFrame: 5 }, 16);
  // 8 pairs: 4 turn with the frame, 2 with the row, 2 with the column.
  const last = 5 * 8;
  assertClose(
    [...cos.slice(last, last + 8)],
    [5, 5 * 0.1, 5 * 0.01, 5 * 0.001, 1, 0.01, 2, 0.02].map(Math.cos),
    1e-7,
    "cosines",
  );
  assertClose(
    [...sin.slice(last, last + 8)],
    [5, 5 * 0.1, 5 * 0.01, 5 * 0.001, 1, 0.01, 2, 0.02].map(Math.sin),
    1e-7,
    "sines",
  );
});
