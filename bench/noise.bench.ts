/**
 * Noise at 832 × 480: nanoseconds a value, and how long a network waits for it in a run of 21 latent frames, where it is
 * drawn when it is asked for and where it is made while the network computes. The network is a wait of 100 ms.
 *
 *     deno run -A bench/noise.bench.ts
 */

import {
  type CausalModel,
  drawnNoise,
  flowSchedule,
  type NoiseKind,
  normalSource,
  planFewSteps,
  rollout,
  type RolloutNoise,
} from "../engine/diffusion/mod.ts";
import { fixed, heading, median, table } from "./_bench.ts";

const FRAME = 16 * 60 * 104;
const FRAMES = 21;
const CHUNK = 3;
const PASS_MS = 100;
const KINDS: readonly NoiseKind[] = ["philox", "mt19937"];

if (import.meta.main) {
  heading(`Noise of ${FRAMES} latent frames of 832 × 480, a chunk of ${CHUNK} at a time`);
  table(
    ["generator", "values at once", "ns a value"],
    KINDS.flatMap((kind) => [CHUNK, FRAMES].map((frames) => speed(kind, frames * FRAME))),
  );
  const rows: string[][] = [];
  for (const kind of KINDS) {
    for (const ahead of [false, true]) rows.push(await waits(kind, ahead));
  }
  table(["generator", "made", "first chunk waits, ms", "each later chunk waits, ms"], rows);
}

function speed(kind: NoiseKind, count: number): string[] {
  const source = normalSource(kind, 1);
  const times = Array.from({ length: 9 }, () => {
    const began = performance.now();
    source.normal(count);
    return performance.now() - began;
  });
  return [kind, `${count}`, fixed(median(times) * 1e6 / count, 1)];
}

/** What is not spent in passes, up to the first chunk and for each after it. */
async function waits(kind: NoiseKind, ahead: boolean): Promise<string[]> {
  const { draft, ...atOnce } = drawnNoise(normalSource(kind, 1), FRAME, FRAMES);
  const noise: RolloutNoise = ahead ? { ...atOnce, draft: draft! } : atOnce;
  const passes = planFewSteps(flowSchedule({ shift: 5 }), [1000, 750, 500, 250], true);
  let idleSince = performance.now();
  let idle = 0;
  const compute = async () => {
    idle += performance.now() - idleSince;
    await new Promise((resolve) => setTimeout(resolve, PASS_MS));
    idleSince = performance.now();
  };
  const model: CausalModel = {
    begin: () => {},
    denoise: compute,
    latents: () => new Float32Array(),
    remember: compute,
  };
  const run = { latentFrames: FRAMES, chunk: CHUNK, window: FRAMES, sink: 0, passes, noise };
  const chunks: number[] = [];
  for await (const _ of rollout(model, run)) {
    chunks.push(idle);
    idle = 0;
  }
  const [first, ...later] = chunks as [number, ...number[]];
  return [kind, ahead ? "ahead" : "when asked for", fixed(first, 0), fixed(median(later), 1)];
}
