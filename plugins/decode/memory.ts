import { bytesPer } from "../../engine/tensor/mod.ts";
import type { MemoryContext, StageMemory } from "../../pipeline/memory.ts";
import { autoencoderOf } from "../_autoencoders.ts";
import { activationsOf, loadingOf, peek, weightsOf } from "../_memory.ts";
import { plannedPrecision } from "../_precision.ts";
import type { DecodeOptions } from "./options.ts";
import { networkOf, piecesOf } from "./choose.ts";

/** What a decoder holds; a guess where the size of the latents is not known. */
export async function decoderMemory(
  options: DecodeOptions,
  context: MemoryContext,
): Promise<StageMemory> {
  const model = autoencoderOf("decode", options);
  const device = options.device ?? context.device;
  const [frames = 1, , height = 60, width = 104] = context.takes ?? [];
  const dtype = await plannedPrecision(device, options.precision);
  const network = networkOf(model, "fused", dtype);
  const shape = { frames: piecesOf(network, options.batch, frames, height * width), height, width };
  const next = network.build(shape, false);
  const graphs = network.ownFirst ? [network.build(shape, true).graph, next.graph] : [next.graph];
  // Pieces of each length have a session, and each session weights of its own.
  const rest = frames % shape.frames;
  if (rest > 0) graphs.push(network.build({ ...shape, frames: rest }, false).graph);
  const file = await peek(options.weights, model.weights, context.directory);
  const remembered = next.memories.reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1) * bytesPer(dtype),
    0,
  );
  return {
    device,
    parts: [
      weightsOf("weights", graphs, file, { device }),
      ...loadingOf(graphs, file, { device }),
      {
        name: "memories",
        bytes: remembered * (network.inPlace ? 1 : 2),
        detail: network.inPlace ? "replaced in place" : "two copies, one read and one written",
      },
      {
        name: "activations",
        bytes: activationsOf(next.graph, device),
        detail: `${shape.frames} latent ${shape.frames === 1 ? "frame" : "frames"} at once`,
        estimated: true,
      },
    ],
  };
}
