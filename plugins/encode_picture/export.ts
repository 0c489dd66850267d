import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { autoencoderOf } from "../_autoencoders.ts";
import { writeNetworks } from "../_export.ts";
import { exportedPrecision } from "../_precision.ts";
import { sizeOf, weightsFor } from "./choose.ts";
import { encoderOf } from "./networks.ts";
import type { EncodePictureOptions } from "./options.ts";

/**
 * The encoder's network: `encoder`, the pictures of one latent frame, and `encoder-first` where a clip's first picture
 * has one of its own.
 */
export async function exportEncoder(
  options: EncodePictureOptions,
  context: ExportContext,
): Promise<StageExport> {
  const model = autoencoderOf("encode-picture", options);
  const { height, width } = sizeOf(options, model);
  const encoder = encoderOf(model, "fused", exportedPrecision(options.precision));
  const alike = encoder.firstPictures === encoder.picturesPerLatent;
  const names = alike ? ["encoder"] : ["encoder-first", "encoder"];
  if (!names.some((name) => context.wants(name))) return { networks: [] };
  const weights = await weightsFor(options, model, context.directory);
  const networks = await writeNetworks(
    names.map((name) => ({
      name,
      graph: encoder.build(name === "encoder" ? "next" : "first", height, width).graph,
      weights,
    })),
    context,
  );
  return { networks };
}
