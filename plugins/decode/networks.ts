/** The networks that decode, as the decoder takes them: graphs of pieces of a clip, with what they carry along. */

import {
  type AttentionKind,
  type ClipShape,
  framesToTrim,
  type Precision,
  spatialFactor,
  type TaehvConfig,
  taehvDecoder,
  temporalFactor,
  vaeSpatialFactor,
  vaeTemporalFactor,
  type WanVaeConfig,
  wanVaeDecoder,
} from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import { bytesPer } from "../../engine/tensor/mod.ts";

/** A graph `latents` -> `rgb`, and its memories `<name>` -> `<name>.next`. */
export interface DecoderGraph {
  readonly graph: Graph;
  readonly memories: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** A network that decodes a clip piece by piece. */
export interface DecoderNetwork {
  readonly latentChannels: number;
  /** Pixels of one latent cell, both ways. */
  readonly pixelsPerCell: number;
  /** Pictures of one latent frame, the clip's first left aside. */
  readonly picturesPerLatent: number;
  /** Pictures at the beginning of a clip's first piece that belong to no time. */
  readonly trim: number;
  /** Whether a clip's first piece has a graph of its own, which reads no memories. If not, it reads zeros. */
  readonly ownFirst: boolean;
  /** Whether each memory has been read before its successor is written, so that it may be replaced where it lies. */
  readonly inPlace: boolean;
  /** Bytes that the widest layer takes for one latent frame of that many cells. */
  widestLayer(cells: number): number;
  build(shape: ClipShape, first: boolean): DecoderGraph;
}

/** TAEHV: any piece alike, the pictures that come too early dropped. */
export function taehvNetwork(
  sizes: TaehvConfig,
  dtype: Precision = "float32",
): DecoderNetwork {
  const picturesPerLatent = temporalFactor(sizes.decoderTimeUpscale);
  return {
    latentChannels: sizes.latentChannels,
    pixelsPerCell: spatialFactor(sizes),
    picturesPerLatent,
    trim: framesToTrim(sizes),
    ownFirst: false,
    inPlace: false,
    // The last level works at 8 pixels a cell, whatever the pixel shuffle behind it makes of them.
    widestLayer: (cells) =>
      cells * 64 * picturesPerLatent * sizes.decoderWidths[3] * bytesPer(dtype),
    build: (shape) => taehvDecoder(sizes, shape, "rgb", { dtype }),
  };
}

/** Wan's own VAE: exact in pieces of any lengths. */
export function wanVaeNetwork(
  sizes: WanVaeConfig,
  attention: AttentionKind,
  dtype: Precision = "float32",
): DecoderNetwork {
  const pixelsPerCell = vaeSpatialFactor(sizes);
  const picturesPerLatent = vaeTemporalFactor(sizes);
  return {
    latentChannels: sizes.zDim,
    pixelsPerCell,
    picturesPerLatent,
    trim: 0,
    ownFirst: true,
    inPlace: true,
    // Convolutions over time see each picture beside the two before it.
    widestLayer: (cells) =>
      cells * pixelsPerCell ** 2 * picturesPerLatent * 3 * sizes.dim * bytesPer(dtype),
    build: (shape, first) =>
      wanVaeDecoder(sizes, shape, { part: first ? "first" : "next", attention, dtype }),
  };
}
