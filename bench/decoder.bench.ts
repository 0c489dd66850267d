/**
 * TAEHV's decoder at the embedded model's sizes and at twice and four times its picture: milliseconds a chunk
 * of 3 latent frames (12 pictures), GFLOP/s, and the share of what a chain of plain MatMuls of comparable sizes
 * reaches in the same run. Random weights: speed does not depend on them.
 *
 *     deno run -A bench/decoder.bench.ts [threads] [--profile]
 */

import { Graph, matMul } from "../engine/onnx/mod.ts";
import { taehvDecoder } from "../engine/networks/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import { decoderModels } from "../plugins/_models.ts";
import { fixed, flopsOf, heading, loadRandom, median, table } from "./_bench.ts";
import { profileTable } from "./_profile.ts";

const ROUNDS = 21;

if (import.meta.main) {
  const threads = Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 1);
  heading(`TAEHV's decoder, a chunk of 12 pictures, ${threads} thread(s)`);
  await using device = await openDevice("cpu", { threads });
  await using products = await loadRandom(device, productChain());
  const rows: string[][] = [];
  for (const cells of [8, 16, 32]) rows.push(await measure(device, cells, products.run));
  table(["pictures", "GFLOP", "ms a chunk", "pictures/s", "GFLOP/s", "MatMul", "share"], rows);
  if (Deno.args.includes("--profile")) await profile(device);
}

function decoder(cells: number): Graph {
  const shape = { frames: 3, height: cells, width: cells };
  return taehvDecoder(decoderModels.embedded.sizes, shape).graph;
}

async function measure(
  device: Device,
  cells: number,
  runProducts: () => Promise<number>,
): Promise<string[]> {
  const graph = decoder(cells);
  await using network = await loadRandom(device, graph);
  const flops = flopsOf(graph) / 1e6;
  const productFlops = flopsOf(productChain()) / 1e6;
  for (let i = 0; i < 2; i++) await network.run(), await runProducts();
  const times: number[] = [];
  const shares: number[] = [];
  const chains: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await runProducts();
    const time = await network.run();
    const chain = (before + await runProducts()) / 2;
    times.push(time);
    chains.push(chain);
    shares.push(flops / time / (productFlops / chain));
  }
  const ms = median(times);
  return [
    `${16 * cells} × ${16 * cells}`,
    fixed(flops / 1e3),
    fixed(ms, 1),
    fixed(12e3 / ms, 0),
    fixed(flops / ms, 0),
    fixed(productFlops / median(chains), 0),
    fixed(median(shares)),
  ];
}

/** [64, 9 · 64] · [9 · 64, 4096] four times: a 3 × 3 convolution of 64 channels as one product. */
function productChain(): Graph {
  const graph = new Graph("products");
  const columns = graph.input("x", "float32", [4096, 576]);
  for (let i = 0; i < 4; i++) {
    graph.output(`${i}`, matMul(columns, graph.parameter(`w${i}`, [576, 64])));
  }
  return graph;
}

/** Where a chunk of the embedded model spends its time, by operator. */
async function profile(device: Device): Promise<void> {
  const folder = await Deno.makeTempDir();
  await using network = await loadRandom(device, decoder(8), { profile: `${folder}/chunk` });
  for (let i = 0; i < 20; i++) await network.run();
  await profileTable(await network.session.endProfiling());
  await Deno.remove(folder, { recursive: true });
}
