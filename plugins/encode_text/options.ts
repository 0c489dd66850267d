import { z } from "zod";
import { namesOf, textModels } from "../_models.ts";
import { maxPromptLength } from "../_prompt.ts";

const whole = z.number().int().positive();

/** Sizes of a text encoder that has no name here. */
const sizes = z.object({
  vocab: whole,
  dim: whole,
  dimAttn: whole,
  dimFfn: whole,
  numHeads: whole,
  numLayers: whole,
  numBuckets: whole,
  textLen: whole,
});

/** What `encode-text` can be told. */
export const encodeTextOptions = z.object({
  network: z.enum(namesOf(textModels)).default("embedded").describe("Text encoder by name"),
  weights: z.string().min(1).optional().describe(
    "Its weights (.safetensors or .pt, .pth); the embedded network has its own",
  ),
  tokenizer: z.string().min(1).optional().describe(
    "Its tokenizer.json; the embedded network has its own",
  ),
  negative: z.string().max(maxPromptLength).optional().describe(
    "Negative prompt, where the prompt has none: what samplers with guidance keep away from",
  ),
  sizes: sizes.partial().optional().describe("Sizes that differ from the named network's"),
  device: z.string().optional().describe("Device of this stage, where it is not the pipeline's"),
  threads: z.number().int().min(1).max(256).optional().describe("Threads on the CPU"),
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type EncodeTextSchema = typeof encodeTextOptions;

export type EncodeTextOptions = z.output<typeof encodeTextOptions>;
