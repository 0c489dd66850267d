/** The stage `diffuse` over the networks of the golden files. */

import { writeSafetensors } from "../../engine/weights/mod.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import type { Conditioning, Latents } from "../../pipeline/mod.ts";
import { diffuseOptions } from "../../plugins/diffuse/options.ts";
import { DiffuseStage } from "../../plugins/diffuse/stage.ts";
import type { Golden } from "../_golden.ts";
import { goldenSizes } from "./_causal_wan.ts";

const { patchSize: _, ...sizes } = goldenSizes;

/** Options of the golden networks, beside those that name one and its weights: 64 × 96 pixels. */
export const goldenOptions = { sizes, height: 64, width: 96 } as const;

/** What a stage of the golden networks is asked for. */
export interface GoldenStage {
  readonly golden: Golden;
  readonly options: Record<string, unknown>;
  readonly conditioning: Conditioning;
  readonly threads?: number;
  /** Yielded when that many steps are done. */
  readonly later?: { readonly step: number; readonly conditioning: Conditioning };
}

/** A conditioning of golden embeddings. */
export async function goldenConditioning(
  golden: Golden,
  more: Partial<Conditioning> = {},
): Promise<Conditioning> {
  return {
    prompt: { text: "a golden prompt" },
    embeddings: await golden.floats("in.cond"),
    negative: await golden.floats("in.uncond"),
    tokens: 12,
    channels: 24,
    length: 7,
    ...more,
  };
}

/** Runs the stage from a file of weights of its own, as a user would. */
export async function runGoldenStage(
  { golden, options, conditioning, threads = 1, later }: GoldenStage,
): Promise<{ chunks: Latents[]; events: StageEvent[] }> {
  const folder = await Deno.makeTempDir();
  try {
    const { weights } = golden;
    const names = [...weights.tensors.keys()];
    const tensors = await Promise.all(
      names.map(async (name) => [name, await weights.read(name)] as const),
    );
    const path = `${folder}/golden.safetensors`;
    await writeSafetensors(path, tensors);
    const { signal } = new AbortController();
    await using stage = await DiffuseStage.create(
      diffuseOptions.parse({ ...goldenOptions, weights: path, ...options }),
      { device: "cpu", threads, directory: folder, signal } as never,
    );
    const arrival = Promise.withResolvers<void>();
    const input = async function* () {
      yield conditioning;
      if (!later) return;
      await arrival.promise;
      yield later.conditioning;
    };
    const events: StageEvent[] = [];
    const context = {
      signal,
      stop: signal,
      whenRunning: () => Promise.resolve(),
      report(event: StageEvent) {
        events.push(event);
        if (event.type === "step" && event.step === later?.step) arrival.resolve();
      },
    };
    const chunks = await Array.fromAsync(stage.process(input(), context));
    return { chunks, events };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
