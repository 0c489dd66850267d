import { umt5Encoder } from "../../engine/networks/mod.ts";
import { bytesPer } from "../../engine/tensor/mod.ts";
import type { MemoryContext, StageMemory } from "../../pipeline/memory.ts";
import { activationsOf, loadingOf, peek, storedIn, weightsOf } from "../_memory.ts";
import { type TextModel, textModels } from "../_models.ts";
import { plannedForm, staysLoaded } from "./form.ts";
import { textNetwork } from "./network.ts";
import type { EncodeTextOptions } from "./options.ts";

/** What a text encoder holds. */
export async function textMemory(
  options: EncodeTextOptions,
  context: MemoryContext,
): Promise<StageMemory> {
  const model: TextModel = textModels[options.network];
  const device = options.device ?? context.device;
  const sizes = { ...model.sizes, ...options.sizes } as TextModel["sizes"];
  const form = await plannedForm(device, options.precision);
  const { graph, forms } = textNetwork(sizes, form);
  const file = await peek(options.weights, model.weights, context.directory);
  const stored = { stored: "bfloat16", device } as const;
  const { bytes } = weightsOf("weights", [graph], file, stored);
  const passing = !staysLoaded(options, sizes);
  // A product with weights in few bits widens them to the type it computes in, one matrix at a time.
  const widened = forms.size > 0
    ? sizes.dim * Math.max(sizes.dimAttn, sizes.dimFfn) * bytesPer(form.dtype)
    : 0;
  return {
    device,
    parts: [
      {
        name: "weights",
        bytes,
        detail: `${storedIn([umt5Encoder(sizes)], file, stored)}, ${
          form.bits ? `int${form.bits}` : form.dtype
        } at work`,
        passing,
      },
      // What is made of weights in few bits needs no cast.
      ...(form.bits ? [] : loadingOf([graph], file, stored)),
      {
        name: "activations",
        bytes: activationsOf(graph, device) + widened,
        detail: widened > 0 ? "with one matrix of weights widened" : "",
        estimated: true,
        passing,
      },
    ],
  };
}
