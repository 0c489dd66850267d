/** The networks that encode, as the encoder takes them: graphs of one latent frame, with what they carry along. */

import {
  type AttentionKind,
  type ClipPart,
  type Precision,
  spatialFactor,
  taehvEncoder,
  temporalFactor,
  vaeSpatialFactor,
  vaeTemporalFactor,
  wanVaeEncoder,
} from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import type { DecoderModel } from "../_models.ts";

/** A graph `frames` -> `latents`, and its memories `<name>` -> `<name>.next`. */
export interface EncoderGraph {
  readonly graph: Graph;
  readonly memories: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** A network that encodes a clip, one latent frame after the other. */
export interface EncoderNetwork {
  readonly latentChannels: number;
  /** Pixels of one latent cell, both ways. */
  readonly pixelsPerCell: number;
  /** Pictures of one latent frame, the clip's first left aside. */
  readonly picturesPerLatent: number;
  /**
   * Pictures that the clip's first latent frame is made of. It stands for the first alone: a network that takes
   * more looks ahead by them, all through the clip.
   */
  readonly firstPictures: number;
  /** What black and white are as numbers. */
  readonly range: readonly [black: number, white: number];
  build(part: ClipPart & ("first" | "next"), height: number, width: number): EncoderGraph;
}

/** The encoder of an autoencoder. */
export function encoderOf(
  model: DecoderModel,
  attention: AttentionKind = "fused",
  dtype: Precision = "float32",
): EncoderNetwork {
  if (model.kind === "taehv") {
    const { sizes } = model;
    const frames = temporalFactor(sizes.encoderTimeDownscale);
    return {
      latentChannels: sizes.latentChannels,
      pixelsPerCell: spatialFactor(sizes),
      picturesPerLatent: frames,
      firstPictures: frames,
      range: [0, 1],
      build: (_part, height, width) => taehvEncoder(sizes, { frames, height, width }, { dtype }),
    };
  }
  const { sizes } = model;
  const next = vaeTemporalFactor(sizes);
  return {
    latentChannels: sizes.zDim,
    pixelsPerCell: vaeSpatialFactor(sizes),
    picturesPerLatent: next,
    firstPictures: 1,
    range: [-1, 1],
    build: (part, height, width) =>
      wanVaeEncoder(sizes, { frames: part === "first" ? 1 : next, height, width }, {
        part,
        attention,
        dtype,
      }),
  };
}
