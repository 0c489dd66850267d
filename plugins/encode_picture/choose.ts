/** From options to a network and the size of its pictures. */

import { UserError } from "../../pipeline/errors.ts";
import { openWeights } from "../_files.ts";
import { type DecoderModel, decoderModels, diffusionModels } from "../_models.ts";
import { encoderOf } from "./networks.ts";
import type { EncodePictureOptions } from "./options.ts";

/** The model with the sizes that the user changed. */
export function modelOf({ network, sizes = {} }: EncodePictureOptions): DecoderModel {
  const known = decoderModels[network];
  for (const key of Object.keys(sizes)) {
    if (key in known.sizes) continue;
    throw new UserError(
      `Cannot set encode-picture.sizes.${key}: the network "${network}" has ${
        Object.keys(known.sizes).join(", ")
      }.`,
    );
  }
  return { ...known, sizes: { ...known.sizes, ...sizes } } as DecoderModel;
}

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
