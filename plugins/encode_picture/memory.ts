import { bytesPer } from "../../engine/tensor/mod.ts";
import type { MemoryContext, StageMemory } from "../../pipeline/memory.ts";
import { autoencoderOf } from "../_autoencoders.ts";
import { activationsOf, loadingOf, peek, weightsOf } from "../_memory.ts";
import { plannedPrecision } from "../_precision.ts";
import { sizeOf } from "./choose.ts";
import { encoderOf } from "./networks.ts";
import type { EncodePictureOptions } from "./options.ts";

/** What the encoder holds from the first picture or clip on; a run without one loads nothing of it. */
export async function encoderMemory(
  options: EncodePictureOptions,
  context: MemoryContext,
): Promise<StageMemory> {
  const model = autoencoderOf("encode-picture", options);
  const { height, width } = sizeOf(options, model);
  const device = options.device ?? context.device;
  const dtype = await plannedPrecision(device, options.precision);
  const encoder = encoderOf(model, "fused", dtype);
  const alike = encoder.firstPictures === encoder.picturesPerLatent;
  const next = encoder.build("next", height, width);
  const first = alike ? next : encoder.build("first", height, width);
  const graphs = alike ? [next.graph] : [first.graph, next.graph];
  const file = await peek(options.weights, model.weights, context.directory);
  // A piece writes what the next one reads, and the first of a clip reads nothing.
  const tensors = [...next.memories, ...next.memories, ...(alike ? [] : first.memories)];
  const values = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const weights = weightsOf("weights", graphs, file, { device });
  return {
    device,
    parts: [
      { ...weights, detail: `${weights.detail}, loaded when a picture or clip is given` },
      ...loadingOf(graphs, file, { device }),
      {
        name: "memories",
        bytes: values * bytesPer(dtype),
        detail: "of one piece of a clip for the next, one copy read and one written",
      },
      {
        name: "activations",
        bytes: activationsOf(next.graph, device),
        detail: `${encoder.picturesPerLatent} pictures at once`,
        estimated: true,
      },
    ],
  };
}
