/**
 * A mid-size causal Wan with random weights (dim 512, 8 heads, ffn 2048, 8 layers, 96 tokens a latent frame,
 * chunk 3, window 21): milliseconds a pass and GFLOP/s while the cache fills, and the share of what a chain of
 * plain MatMuls of comparable sizes reaches. Passes and chains alternate, so that drift touches both.
 *
 *     deno run -A bench/transformer.bench.ts [threads] [--profile]
 */

import { Graph, matMul } from "../engine/onnx/mod.ts";
import { causalWan, causalWanNames, type WanConfig } from "../engine/networks/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import { fixed, flopsOf, heading, loadRandom, median, table } from "./_bench.ts";
import { profileTable } from "./_profile.ts";

const ROUNDS = 15;
const PAIRS = 6;

const config: WanConfig = {
  dim: 512,
  ffnDim: 2048,
  numHeads: 8,
  numLayers: 8,
  freqDim: 256,
  textDim: 512,
  textLen: 128,
  inDim: 16,
  outDim: 16,
  patchSize: [1, 2, 2],
  eps: 1e-6,
};
const chunk = { frames: 3, height: 16, width: 24 }; // 8 × 12 = 96 tokens a frame
const perFrame = 96;

if (import.meta.main) {
  const threads = Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 2);
  heading(`A mid-size transformer's pass, ${threads} threads`);
  await using device = await openDevice("cpu", { threads });
  await using products = await loadRandom(device, productChain());
  const rows: string[][] = [];
  for (const window of [3, 9, 15, 21]) rows.push(await measure(device, window, products.run));
  table(["window", "GFLOP", "ms a pass", "GFLOP/s", "MatMul GFLOP/s", "share"], rows);
  if (Deno.args.includes("--profile")) await profile(device);
}

async function measure(
  device: Device,
  window: number,
  runProducts: () => Promise<number>,
): Promise<string[]> {
  const graph = causalWan(config, chunk);
  const sizes = { cache: window * perFrame };
  await using network = await loadRandom(device, graph, { sizes, alias: aliases() });
  const flops = flopsOf(graph, sizes) / 1e6; // a millisecond of one GFLOP/s
  const productFlops = flopsOf(productChain()) / 1e6;
  for (let i = 0; i < 2; i++) await network.run(), await runProducts();
  const passes: number[] = [];
  const chains: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await runProducts();
    const pass = await network.run();
    const chain = (before + await runProducts()) / 2;
    passes.push(pass);
    chains.push(chain);
    shares.push(flops / pass / (productFlops / chain));
  }
  return [
    `${window} frames`,
    fixed(flops / 1e3, 1),
    fixed(median(passes), 1),
    fixed(flops / median(passes), 0),
    fixed(productFlops / median(chains), 0),
    fixed(median(shares)),
  ];
}

/** Products of the feed-forward's sizes, [288, 512] · [512, 2048] and back, each with weights of its own. */
function productChain(): Graph {
  const graph = new Graph("products");
  const { dim, ffnDim } = config;
  let x = graph.input("x", "float32", [chunk.frames * perFrame, dim]);
  for (let i = 0; i < PAIRS; i++) {
    x = matMul(x, graph.parameter(`${i}.up`, [dim, ffnDim]));
    x = matMul(x, graph.parameter(`${i}.down`, [ffnDim, dim]));
  }
  graph.output("y", x);
  return graph;
}

/** The caches are updated in place, as in a rollout. */
function aliases(): Record<string, string> {
  const pairs = Array.from(
    { length: config.numLayers },
    (_, layer) =>
      (["k", "v"] as const).map((part) => [
        causalWanNames.updated(layer, part),
        causalWanNames.cache(layer, part),
      ]),
  );
  return Object.fromEntries(pairs.flat());
}

/** Where a pass at a full window spends its time, by operator. */
async function profile(device: Device): Promise<void> {
  const sizes = { cache: 21 * perFrame };
  const folder = await Deno.makeTempDir();
  await using network = await loadRandom(device, causalWan(config, chunk), {
    sizes,
    alias: aliases(),
    profile: `${folder}/pass`,
  });
  for (let i = 0; i < 8; i++) await network.run();
  await profileTable(await network.session.endProfiling());
  await Deno.remove(folder, { recursive: true });
}
