import { z } from "zod";
import { autoencoderSizes } from "../_autoencoders.ts";
import { decoderModels, namesOf } from "../_models.ts";
import { precisionOption } from "../_precision.ts";

const whole = z.number().int().positive();

/** What `encode-picture` can be told. */
export const encodePictureOptions = z.object({
  network: z.enum(namesOf(decoderModels)).default("embedded").describe(
    "Autoencoder by name: the one that decodes",
  ),
  weights: z.string().min(1).optional().describe(
    "Its weights (.safetensors, .pth); the embedded network has its own",
  ),
  sizes: autoencoderSizes,
  height: whole.max(8192).optional().describe(
    "Height of the pictures in pixels, as diffuse has it",
  ),
  width: whole.max(8192).optional().describe("Width of the pictures in pixels, as diffuse has it"),
  chunk: whole.default(3).describe(
    "Latent frames that are given together: a still is held that long, a clip's end is taken in multiples",
  ),
  most: whole.optional().describe(
    "Latent frames of a clip that are taken at most, n are 4n − 3 pictures: by default 6 of its end, or with a strength 21 of its beginning",
  ),
  strength: z.number().positive().max(1).optional().describe(
    "How much of a clip is changed, where the prompt does not say it: the video is made over the clip in place of going on from its end. That share of the sampler's steps is run, rounded down, at least one",
  ),
  independentFirstFrame: z.boolean().default(false).describe(
    "Give one latent frame before the chunks, as diffuse with that option takes them",
  ),
  fps: z.number().positive().max(240).default(16).describe(
    "Pictures a second that are taken of a clip",
  ),
  precision: precisionOption,
  device: z.string().optional().describe("Device of this stage, where it is not the pipeline's"),
  threads: whole.max(256).optional().describe(
    "Threads on the CPU; by default half of the pipeline's",
  ),
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type EncodePictureSchema = typeof encodePictureOptions;

/** What `encode-picture` was told, checked. */
export type EncodePictureOptions = z.output<typeof encodePictureOptions>;
