/** Autoencoders, told of in the same words by the plugin that decodes and the one that encodes. Cheap to import. */

import { z } from "zod";
import type { AttentionKind } from "../engine/networks/mod.ts";
import type { Device } from "../engine/runtime/mod.ts";
import { UserError } from "../pipeline/errors.ts";
import { toKebab } from "../pipeline/names.ts";
import { type DecoderModel, decoderModels } from "./_models.ts";

const whole = z.number().int().positive();
const three = z.tuple([z.boolean(), z.boolean(), z.boolean()]);

/** The option `sizes`: those of a TAEHV or a Wan VAE that has no name here. */
export const autoencoderSizes = z.object({
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
}).partial().optional().describe("Sizes that differ from the named network's");

/** What options say about an autoencoder. */
export interface AutoencoderChoice {
  readonly network: keyof typeof decoderModels;
  readonly sizes?: z.output<typeof autoencoderSizes>;
}

/**
 * The network that is named, with the sizes that the user changed.
 *
 * @param plugin the one that has the options, for the message
 * @throws {UserError} where the network has no such size
 */
export function autoencoderOf(
  plugin: string,
  { network, sizes = {} }: AutoencoderChoice,
): DecoderModel {
  const known = decoderModels[network];
  for (const key of Object.keys(sizes)) {
    if (key in known.sizes) continue;
    const names = Object.keys(known.sizes).map(toKebab).join(", ");
    throw new UserError(
      `Cannot set ${plugin}.sizes.${toKebab(key)}: the network "${network}" has ${names}.`,
    );
  }
  return { ...known, sizes: { ...known.sizes, ...sizes } } as DecoderModel;
}

/** The kind of attention that a device computes rightly; a TAEHV has none. */
export async function attentionOn(device: Device, { kind }: DecoderModel): Promise<AttentionKind> {
  if (kind === "taehv") return "fused";
  // Loaded on use: whoever only wants to know the options does not pay for the runtime.
  const { fusedAttentionWorks } = await import("../engine/load/mod.ts");
  return await fusedAttentionWorks(device) ? "fused" : "composed";
}
