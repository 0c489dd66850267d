/**
 * Wan 2.1's VAE at its real widths, 4 latent frames (13 pictures) of a small picture: the whole clip at once
 * against pieces with caches, all in one run and in turns. Random weights: speed does not depend on them.
 *
 *     deno run -A bench/wan_vae.bench.ts [threads] [--profile]
 */

import { type ClipPart, wan2_1_vae, wanVaeDecoder } from "../engine/networks/mod.ts";
import { type Device, openDevice } from "../engine/runtime/mod.ts";
import { fixed, flopsOf, heading, type Loaded, loadRandom, median, table } from "./_bench.ts";
import { profileTable } from "./_profile.ts";

const ROUNDS = 3;
const LATENT_FRAMES = 4;
const CELLS = { height: 8, width: 12 };
const WAYS: readonly (readonly number[])[] = [[4], [1, 3], [1, 1, 1, 1]];

if (import.meta.main) {
  const threads = Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 2);
  heading(
    `Wan 2.1's VAE, ${LATENT_FRAMES} latent frames of ${CELLS.width * 8} × ${
      CELLS.height * 8
    } pixels, ${threads} thread(s)`,
  );
  await using device = await openDevice("cpu", { threads });
  if (Deno.args.includes("--profile")) await profile(device);
  else await compare(device);
}

function build(frames: number, part: ClipPart) {
  return wanVaeDecoder(wan2_1_vae, { frames, ...CELLS }, { part });
}

/** The pieces of a way to cut the clip. */
function partsOf(
  pieces: readonly number[],
): { readonly frames: number; readonly part: ClipPart }[] {
  return pieces.map((frames, i) => ({
    frames,
    part: pieces.length === 1 ? "whole" : i === 0 ? "first" : "next",
  }));
}

async function compare(device: Device): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const loaded = new Map<string, Loaded>();
  for (const { frames, part } of WAYS.flatMap(partsOf)) {
    const key = `${part} ${frames}`;
    if (loaded.has(key)) continue;
    const { graph, memories } = build(frames, part);
    const alias = part === "next"
      ? Object.fromEntries(memories.map(({ name }) => [`${name}.next`, name]))
      : {};
    loaded.set(key, stack.use(await loadRandom(device, graph, { alias })));
  }
  const times = WAYS.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, pieces] of WAYS.entries()) {
      let sum = 0;
      for (const { frames, part } of partsOf(pieces)) {
        sum += await loaded.get(`${part} ${frames}`)!.run();
      }
      if (round > 0) times[i]!.push(sum); // the first round warms up
    }
  }
  const base = median(times[0]!);
  table(
    ["pieces", "GFLOP", "ms a clip", "GFLOP/s", "of whole", "caches, MB", "widest layer, MB"],
    WAYS.map((pieces, i) => {
      const parts = partsOf(pieces).map(({ frames, part }) => build(frames, part));
      const flops = parts.reduce((sum, { graph }) => sum + flopsOf(graph), 0);
      const ms = median(times[i]!);
      const caches = parts.at(-1)!.memories.reduce((sum, { shape }) => sum + bytes(shape), 0);
      const widest = Math.max(
        ...parts.flatMap(({ graph }) =>
          graph.nodes.flatMap(({ outputs }) =>
            outputs.map(({ dims }) => bytes(dims as readonly number[]))
          )
        ),
      );
      return [
        pieces.join(" + "),
        fixed(flops / 1e9, 0),
        fixed(ms, 0),
        fixed(flops / ms / 1e6, 0),
        fixed(ms / base),
        fixed(caches / 1e6, 0),
        fixed(widest / 1e6, 0),
      ];
    }),
  );
}

function bytes(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 4);
}

/** Where a piece of one latent frame spends its time, by operator. */
async function profile(device: Device): Promise<void> {
  const folder = await Deno.makeTempDir();
  const { graph } = build(1, "next");
  await using network = await loadRandom(device, graph, { profile: `${folder}/piece` });
  for (let i = 0; i < 4; i++) await network.run();
  await profileTable(await network.session.endProfiling());
  await Deno.remove(folder, { recursive: true });
}
