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
  precision: z.enum(["auto", "float32", "float16", "int8", "int4"]).default("auto").describe(
    "What its weights are kept in: auto is float16 where the device computes in it, float32 on the CPU; " +
      "int8 and int4 take some 60% and 40% of float16's memory, with about the error of bfloat16 and some " +
      "fifteen times that",
  ),
  keep: z.boolean().optional().describe(
    "Whether it stays loaded between prompts; by default a small one does, and a large one is freed after use, " +
      "so that its memory is there for the other stages, and loaded again for the next prompt",
  ),
  sizes: sizes.partial().optional().describe("Sizes that differ from the named network's"),
  device: z.string().optional().describe("Device of this stage, where it is not the pipeline's"),
  threads: z.number().int().min(1).max(256).optional().describe(
    "Threads on the CPU; by default a large network takes all of the pipeline's, a small one one",
  ),
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type EncodeTextSchema = typeof encodeTextOptions;

export type EncodeTextOptions = z.output<typeof encodeTextOptions>;
