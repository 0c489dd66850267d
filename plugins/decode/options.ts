import { z } from "zod";
import { decoderModels, namesOf } from "../_models.ts";
import { precisionOption } from "../_precision.ts";

const whole = z.number().int().positive();
const three = z.tuple([z.boolean(), z.boolean(), z.boolean()]);

/** Sizes of a TAEHV or a Wan VAE that has no name here. */
const sizes = z.object({
  latentChannels: whole,
  patchSize: z.union([z.literal(1), z.literal(2)]),
  encoderWidth: whole,
  decoderWidths: z.tuple([whole, whole, whole, whole]),
  encoderTimeDownscale: three,
  decoderTimeUpscale: three,
  dim: whole,
  zDim: whole,
  dimMult: z.array(whole).min(2),
  numResBlocks: whole,
  temporalDownsample: z.array(z.boolean()).min(1),
  latentMean: z.array(z.number()).min(1),
  latentStd: z.array(z.number().positive()).min(1),
});

/** What `decode` can be told. */
export const decodeOptions = z.object({
  network: z.enum(namesOf(decoderModels)).default("embedded").describe("Decoder by name"),
  weights: z.string().min(1).optional().describe(
    "Its weights (.safetensors, .pth); the embedded network has its own",
  ),
  sizes: sizes.partial().optional().describe("Sizes that differ from the named network's"),
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

export type DecodeOptions = z.output<typeof decodeOptions>;
