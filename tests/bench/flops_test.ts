import { assertEquals, assertThrows } from "@std/assert";
import { flopsOf, plannedBytes, sumWork, workOf } from "../../bench/_flops.ts";
import { assumptions, cards, predict, totalOf } from "../../bench/_wan_cards.ts";
import {
  causalWan,
  taehvDecoder,
  taew2_1,
  wan2_1_1_3b,
  type WanConfig,
} from "../../engine/networks/mod.ts";
import {
  add,
  conv,
  Graph,
  linear,
  mul,
  multiHeadAttention,
  reshape,
  scatterRows,
  slice,
} from "../../engine/onnx/mod.ts";

Deno.test("workOf() counts products, attention and convolutions by their shapes", () => {
  const graph = new Graph("products");
  const x = graph.input("x", "float32", [5, 7]);
  graph.output("y", linear(x, graph.parameter("w", [3, 7]), graph.parameter("b", [3])));
  const q = graph.input("q", "float16", [1, 6, 8]);
  const k = graph.input("k", "float16", [1, "cache", 8]);
  graph.output("mixed", multiHeadAttention(q, k, k, 2));
  const picture = graph.input("picture", "float32", [2, 3, 10, 12]);
  graph.output(
    "z",
    conv(picture, graph.parameter("kernel", [4, 3, 3, 3]), undefined, { padding: 1 }),
  );

  const [gemm, attention, convolution] = workOf(graph, { cache: 11 });
  assertEquals(gemm!.flops, 2 * 5 * 7 * 3);
  assertEquals(gemm!.bytes, 4 * (5 * 7 + 3 * 7 + 3 + 5 * 3));
  // Two products of 6 × 11 with a depth of 4 for each of the 2 heads.
  assertEquals(attention!.flops, 2 * 2 * (6 * 11 * 4) * 2);
  // Keys and values are one tensor here, read once.
  assertEquals(attention!.bytes, 2 * (6 * 8 + 11 * 8 + 6 * 8));
  assertEquals(convolution!.flops, 2 * (2 * 4 * 10 * 12) * (3 * 3 * 3));
  assertEquals(sumWork([gemm!, attention!], 3), {
    flops: 3 * (210 + 2112),
    bytes: 3 * (gemm!.bytes + attention!.bytes),
    kernels: 6,
  });
  assertEquals(flopsOf(graph, { cache: 11 }), 210 + 2112 + convolution!.flops);
});

Deno.test("workOf() moves what a node moves: nothing for views and folded nodes, rows for a scatter", () => {
  const graph = new Graph("moves");
  const x = graph.input("x", "float32", [10, 6]);
  const scaled = mul(graph.parameter("gamma", [6]), 2); // folded on loading
  const seen = reshape(slice(x, 0, 2, 5), [1, 3, 6]);
  const cache = graph.input("cache", "float32", [1, 100, 6]);
  const slots = graph.input("slots", "int64", [1, 3, 2]);
  graph.output("cache.updated", scatterRows(cache, slots, add(seen, scaled)));
  const work = workOf(graph);
  assertEquals(work.map(({ node, kind, bytes }) => [node.operator, kind, bytes]), [
    ["Slice", "layout", 2 * 3 * 6 * 4],
    ["Add", "elementwise", (3 * 6 + 6 + 3 * 6) * 4],
    ["ScatterND", "layout", 2 * 3 * 6 * 4 + 3 * 2 * 8],
  ]);
  assertEquals(sumWork(work).kernels, 3);
});

Deno.test("workOf() names the size that it was not told", () => {
  const graph = new Graph("open");
  graph.output("y", mul(graph.input("x", "float32", ["cache", 2]), 2));
  assertThrows(
    () => workOf(graph),
    TypeError,
    "cannot reckon with y float32 [cache, 2]: no size for cache",
  );
});

Deno.test("plannedBytes() adds up what is alive at once, bound and shared memory left aside", () => {
  const graph = new Graph("alive");
  const x = graph.input("x", "float32", [256]); // bound
  const a = mul(x, 2); // 1 KiB
  const b = reshape(mul(a, 3), [16, 16]); // 1 KiB, and a view of it
  const c = add(b, 1); // 1 KiB: a is gone, b and c are alive
  graph.output("y", mul(reshape(c, [256]), x)); // bound
  assertEquals(plannedBytes(graph), 2 * 1024);

  const wide = new Graph("wide");
  const from = wide.input("x", "float32", ["rows"]);
  const kept = mul(from, 2);
  const through = mul(mul(kept, 3), 4);
  wide.output("y", add(kept, through));
  // kept, its triple and that times four.
  assertEquals(plannedBytes(wide, { rows: 100 }), 3 * 400);
});

/** Multiplications and additions of one pass, written down from the paper's picture of the network. */
function passFlops(config: WanConfig, tokens: number, keys: number): number {
  const { dim, ffnDim, numLayers, freqDim, inDim, outDim, textLen } = config;
  const block = 6 * dim * dim + // q, k, v, o; of cross-attention q and o
    2 * dim * ffnDim;
  const attention = 2 * (keys + textLen) * dim;
  const ends = 4 * inDim * dim + dim * 4 * outDim;
  const time = freqDim * dim + dim * dim + 6 * dim * dim;
  return 2 * (tokens * (numLayers * (block + attention) + ends) + time);
}

Deno.test("flopsOf() gives Wan2.1-1.3B's own count at 832 × 480", () => {
  const shape = { frames: 3, height: 60, width: 104 };
  for (const dtype of ["float32", "float16"] as const) {
    const graph = causalWan(wan2_1_1_3b, shape, { dtype });
    for (const window of [3, 12, 21]) {
      const cache = window * 1560;
      assertEquals(flopsOf(graph, { cache }), passFlops(wan2_1_1_3b, 4680, cache), `${window}`);
    }
  }
  // 40.4 TFLOP: attention to 32,760 keys is 28.3 of them.
  assertEquals(Math.round(passFlops(wan2_1_1_3b, 4680, 32760) / 1e11), 404);
});

Deno.test("flopsOf() gives TAEHV's own count", () => {
  const cells = 60 * 104;
  const [a, b, c, d] = taew2_1.decoderWidths;
  // Three memory blocks a level, of three convolutions, the first of which sees the frame before too.
  const blocks = (width: number) => 3 * (2 + 1 + 1) * 9 * width * width;
  const expected = cells * 9 * 16 * a +
    cells * (blocks(a) + a * a) + 4 * cells * 9 * a * b +
    4 * cells * (blocks(b) + b * 2 * b) + 2 * 16 * cells * 9 * b * c +
    2 * 16 * cells * (blocks(c) + c * 2 * c) + 4 * 64 * cells * 9 * c * d +
    4 * 64 * cells * 9 * d * 3;
  const { graph } = taehvDecoder(taew2_1, { frames: 1, height: 60, width: 104 });
  assertEquals(flopsOf(graph), 2 * expected);
});

Deno.test("predict() gives each node the longer of computing and moving, and a launch", () => {
  const card = cards.h100!;
  const graph = new Graph("roof", "float16");
  const x = graph.input("x", "float16", [4096, 4096]);
  const product = linear(x, graph.parameter("w", [4096, 4096]));
  graph.output("y", add(product, product));
  const time = predict(workOf(graph), card);
  const computing = 2 * 4096 ** 3 / (989e12 * 0.55);
  const moving = 2 * 2 * 4096 ** 2 / (3.35e12 * 0.8);
  assertEquals(time.product, 1000 * computing);
  assertEquals(time.elementwise, 1000 * moving);
  assertEquals(time.launches, 2 * 1000 * assumptions.launch);
  assertEquals(totalOf(time), 1000 * (computing + moving) + 2000 * assumptions.launch);
  // Products of float32 do not use the tensor cores.
  const plain = new Graph("plain");
  const y = plain.input("x", "float32", [4096, 4096]);
  plain.output("y", linear(y, plain.parameter("w", [4096, 4096])));
  assertEquals(predict(workOf(plain), card).product, 1000 * 2 * 4096 ** 3 / (67e12 * 0.55));
});
