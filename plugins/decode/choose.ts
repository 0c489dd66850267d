/** From a model to a network, and to pieces that do not take too much memory. */

import type { AttentionKind, Precision } from "../../engine/networks/mod.ts";
import type { DecoderModel } from "../_models.ts";
import { type DecoderNetwork, taehvNetwork, wanVaeNetwork } from "./networks.ts";

/** Bytes that the widest layer of one piece may take before chunks are decoded a latent frame at a time. */
const PIECE_LIMIT = 256 << 20;

/** The network of a model. */
export function networkOf(
  model: DecoderModel,
  attention: AttentionKind = "fused",
  dtype: Precision = "float32",
): DecoderNetwork {
  return model.kind === "taehv"
    ? taehvNetwork(model.sizes, dtype)
    : wanVaeNetwork(model.sizes, attention, dtype);
}

/**
 * Latent frames that are decoded at once.
 *
 * @param batch what the user chose
 * @param frames of a chunk
 * @param cells of a latent frame
 */
export function piecesOf(
  network: DecoderNetwork,
  batch: number | undefined,
  frames: number,
  cells: number,
): number {
  if (batch !== undefined) return Math.min(frames, batch);
  return frames * network.widestLayer(cells) > PIECE_LIMIT ? 1 : frames;
}
