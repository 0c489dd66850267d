/**
 * Making weights in 8 bits of a checkpoint in bfloat16, as the published configs' text encoder has them, into a
 * temporary file: one after another in one thread, and by several threads.
 *
 *     deno run -A bench/few_bits.bench.ts [matrices]
 */

import { cpuUsage } from "node:process";
import { float32ToBfloat16 } from "../engine/tensor/mod.ts";
import { entryOf, openSafetensors, quantized, writeSafetensors } from "../engine/weights/mod.ts";
import { fixed, heading, median, table } from "./_bench.ts";

/** A matrix of UMT5-XXL's feed-forward layers. */
const SHAPE = [10240, 4096] as const;

/** Weights of UMT5-XXL that are kept in few bits. */
const ALL = 24 * 4096 * (4 * 4096 + 3 * 10240);

const ROUNDS = 3;

if (import.meta.main) {
  const matrices = Number(Deno.args[0] ?? 6);
  heading(`Weights in 8 bits, ${matrices} matrices of ${SHAPE.join(" × ")}`);
  const folder = await Deno.makeTempDir({ prefix: "sluice-bench-" });
  try {
    await compare(folder, matrices);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compare(folder: string, matrices: number): Promise<void> {
  const count = SHAPE[0] * SHAPE[1];
  const data = float32ToBfloat16(Float32Array.from({ length: count }, (_, i) => Math.sin(i * i)));
  const names = Array.from({ length: matrices }, (_, i) => `w${i}`);
  const path = `${folder}/weights.safetensors`;
  const tensor = { dtype: "bfloat16", shape: SHAPE, data } as const;
  await writeSafetensors(path, names.map((name) => [name, tensor] as const));
  const form = { bits: 8, block: 32, scales: "float32" } as const;
  const file = quantized(await openSafetensors(path), new Map(names.map((name) => [name, form])));
  const places = new Map<string, number>();
  let end = 0;
  for (const [name, { length }] of file.tensors) {
    places.set(name, end);
    end += length;
  }
  const target = `${folder}/made`;
  const one = async () => {
    using to = await Deno.open(target, { write: true });
    for (const name of file.tensors.keys()) {
      const bytes = new Uint8Array(entryOf(file, name).length);
      await file.readInto(name, bytes);
      for (let done = 0; done < bytes.length;) done += await to.write(bytes.subarray(done));
    }
  };
  const processors = navigator.hardwareConcurrency;
  const threads = [1, 2, 4, 8].filter((threads) => threads <= Math.max(2, processors));
  const ways = [
    ["one after another", one] as const,
    ...threads.map((threads) =>
      [`threads: ${threads}`, () => file.writeMade!(places, { path: target, threads })] as const
    ),
  ];
  const measured = new Map(ways.map(([name]) => [name, { wall: [], own: [] } as Times]));
  // In turn, so that whatever else the machine does falls on all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, make] of ways) {
      await Deno.writeFile(target, new Uint8Array());
      const { user, system } = cpuUsage();
      const began = performance.now();
      await make();
      const { wall, own } = measured.get(name)!;
      wall.push((performance.now() - began) / 1000);
      const now = cpuUsage();
      own.push((now.user + now.system - user - system) / 1e6);
    }
  }
  const weights = matrices * count;
  table(
    ["", "s", "of processors, s", "ns a weight", "all of UMT5-XXL, s (reckoned)"],
    [...measured].map(([name, { wall, own }]) => [
      name,
      fixed(median(wall)),
      fixed(median(own)),
      fixed(median(wall) / weights * 1e9, 1),
      fixed(median(wall) / weights * ALL, 1),
    ]),
  );
}

/** Seconds by the clock, and of all processors. */
interface Times {
  readonly wall: number[];
  readonly own: number[];
}
