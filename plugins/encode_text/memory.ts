import { umt5Encoder } from "../../engine/networks/mod.ts";
import type { MemoryContext, StageMemory } from "../../pipeline/memory.ts";
import { activationsOf, peek, weightsOf } from "../_memory.ts";
import { type TextModel, textModels } from "../_models.ts";
import type { EncodeTextOptions } from "./options.ts";

/** What a text encoder holds. */
export async function textMemory(
  options: EncodeTextOptions,
  context: MemoryContext,
): Promise<StageMemory> {
  const model: TextModel = textModels[options.network];
  const device = options.device ?? context.device;
  const graph = umt5Encoder({ ...model.sizes, ...options.sizes } as TextModel["sizes"]);
  const file = await peek(options.weights, model.weights, context.directory);
  return {
    device,
    parts: [
      weightsOf("weights", [graph], file, { stored: "bfloat16", device }),
      { name: "activations", bytes: activationsOf(graph), estimated: true },
    ],
  };
}
