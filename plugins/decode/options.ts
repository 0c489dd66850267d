import { z } from "zod";
import { autoencoderSizes } from "../_autoencoders.ts";
import { decoderModels, namesOf } from "../_models.ts";
import { precisionOption } from "../_precision.ts";

const whole = z.number().int().positive();
/** What `decode` can be told. */
export const decodeOptions = z.object({
  network: z.enum(namesOf(decoderModels)).default("embedded").describe("Decoder by name"),
  weights: z.string().min(1).optional().describe(
    "Its weights (.safetensors, .pth); the embedded network has its own",
  ),
  sizes: autoencoderSizes,
  batch: whole.optional().describe(
    "Latent frames decoded at once; by default a whole chunk, or one where a chunk would take much memory",
  ),
  precision: precisionOption,
  device: z.string().optional().describe("Device of this stage, where it is not the pipeline's"),
  threads: z.number().int().min(1).max(256).optional().describe(
    "Threads on the CPU; by default half of the pipeline's, since diffusing goes on beside",
  ),
  profile: z.string().min(1).optional().describe(
    "Write ONNX Runtime's profile of this stage to a JSON file of this prefix",
  ),
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type DecodeSchema = typeof decodeOptions;

/** What `decode` was told, checked. */
export type DecodeOptions = z.output<typeof decodeOptions>;
