/** From options to a transformer on a device: the one place that knows how each kind is loaded. */

import type { Device } from "../../engine/runtime/mod.ts";
import type { WeightFile } from "../../engine/weights/mod.ts";
import type { CreateContext } from "../../pipeline/stage.ts";
import { BidirectionalWanModel } from "./bidirectional_model.ts";
import { CausalWanModel } from "./model.ts";
import { type DiffuseOptions, effective } from "./options.ts";
import type { Transformer } from "./transformer.ts";

/** Loads the transformer that options name. Rejects with a `WeightsError` where the file does not fit it. */
export async function loadTransformer(
  device: Device,
  weights: WeightFile,
  options: DiffuseOptions,
  { signal, report }: Pick<CreateContext, "signal" | "report">,
): Promise<Transformer> {
  const run = effective(options);
  const { kind, sizes, chunk, window, spatialFactor } = run;
  const shape = {
    frames: chunk,
    height: run.height / spatialFactor,
    width: run.width / spatialFactor,
  };
  const { attention, precision, profile } = options;
  const loading = { sizes, attention, precision, profile, signal, report };
  if (kind === "bidirectional") {
    return await BidirectionalWanModel.load(device, weights, { ...loading, clip: shape });
  }
  await using guard = new AsyncDisposableStack();
  const model = guard.use(
    await CausalWanModel.load(device, weights, { ...loading, chunk: shape, window }),
  );
  if (run.independentFirstFrame) await model.prepare(1, signal);
  guard.move();
  return model;
}
