/** From options to the size of pictures, and to the file of weights. */

import { UserError } from "../../pipeline/errors.ts";
import { openWeights } from "../_files.ts";
import { type DecoderModel, diffusionModels } from "../_models.ts";
import { encoderOf } from "./networks.ts";
import type { EncodePictureOptions } from "./options.ts";

/**
 * The size of the pictures in pixels: by default what the transformer makes that goes with the network.
 *
 * @throws {UserError} where the network cannot encode pictures of that size
 */
export function sizeOf(options: EncodePictureOptions, model: DecoderModel) {
  const made = diffusionModels[options.network === "embedded" ? "embedded" : "wan2.1-1.3b"];
  const { height = made.height, width = made.width } = options;
  const { pixelsPerCell } = encoderOf(model);
  for (const [side, pixels] of Object.entries({ height, width })) {
    if (pixels % pixelsPerCell === 0) continue;
    throw new UserError(
      `encode-picture.${side}: expected a multiple of ${pixelsPerCell} pixels, got ${pixels}.`,
    );
  }
  return { height, width };
}

/** The file of weights that the options name, or the network's own. */
export function weightsFor(
  { network, weights: path }: EncodePictureOptions,
  { weights: builtIn }: DecoderModel,
  directory: string,
) {
  return openWeights({ option: "encode-picture.weights", path, builtIn, network, directory });
}
