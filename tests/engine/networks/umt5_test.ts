import { assertEquals } from "@std/assert";
import { relativeBucket, umt5Encoder, umt5Xxl } from "../../../engine/networks/mod.ts";
import { assertClose, Golden, umt5Sizes } from "../../_golden.ts";
import { runGraph, type TestPlace } from "../../_run_graph.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

async function checkTexts(place: TestPlace, tolerance: number): Promise<void> {
  const golden = await Golden.open("umt5_encoder");
  const [ids, mask] = [await golden.integers("in.ids"), await golden.integers("in.mask")];
  for (const [padding, name] of [["keep", "out.encoder"], ["zero", "out.prompt_embeds"]] as const) {
    const graph = umt5Encoder(umt5Sizes, { padding });
    for (let text = 0; text < 3; text++) {
      const inputs = {
        ids: ids.slice(text * 16, text * 16 + 16),
        mask: mask.slice(text * 16, text * 16 + 16),
      };
      const { embeddings } = await runGraph(graph, inputs, { weights: golden.weights, ...place });
      const expected = await golden.part(name, text, 3);
      assertClose(embeddings as Float32Array, expected, tolerance, `${name} ${text}`);
    }
  }
}

/** A text so long that distances share buckets. */
async function checkLong(place: TestPlace, tolerance: number): Promise<void> {
  const golden = await Golden.open("umt5_encoder");
  const graph = umt5Encoder(umt5Sizes, { length: 160, padding: "keep" });
  const inputs = {
    ids: await golden.integers("in.long.ids"),
    mask: await golden.integers("in.long.mask"),
  };
  const { embeddings } = await runGraph(graph, inputs, { weights: golden.weights, ...place });
  const expected = await golden.floats("out.long.encoder");
  assertClose(embeddings as Float32Array, expected, tolerance, "long");
}

for (const threads of [1, 2]) {
  Deno.test(`umt5Encoder() agrees with the reference, padding kept and zeroed, at ${threads} threads`, () =>
    checkTexts({ threads }, 2e-5));

  Deno.test(`umt5Encoder() agrees on a long text, where distances share buckets, at ${threads} threads`, () =>
    checkLong({ threads }, 2e-5));
}

Deno.test({
  name: "umt5Encoder() agrees with the reference on webgpu",
  ignore: !await webgpuIsHere(),
  async fn() {
    await checkTexts({ device: "webgpu" }, 1e-4);
    await checkLong({ device: "webgpu" }, 1e-4);
  },
});

Deno.test("relativeBucket() is the reference's for distances −511 … 511", async () => {
  const golden = await Golden.open("umt5_encoder");
  const distances = await golden.integers("in.rel_pos");
  const buckets = await golden.integers("out.rel_pos_bucket");
  assertEquals(
    Array.from(distances, (distance) => relativeBucket(Number(distance), 32)),
    Array.from(buckets, Number),
  );
});

Deno.test("umt5Encoder() of umt5-xxl has the published number of parameters", () => {
  assertEquals(umt5Encoder(umt5Xxl).parameterCount, 5_680_910_336);
});

Deno.test("umt5Encoder() gives the same where each run makes the position biases", async () => {
  const golden = await Golden.open("umt5_encoder");
  const inputs = {
    ids: (await golden.integers("in.ids")).slice(0, 16),
    mask: (await golden.integers("in.mask")).slice(0, 16),
  };
  const run = (keepBiases: boolean) =>
    runGraph(umt5Encoder(umt5Sizes, { keepBiases }), inputs, { weights: golden.weights });
  assertEquals((await run(false)).embeddings, (await run(true)).embeddings);
});
