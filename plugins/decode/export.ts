import type { ExportContext, StageExport } from "../../pipeline/export.ts";
import { autoencoderOf } from "../_autoencoders.ts";
import { writeNetworks } from "../_export.ts";
import { openWeights } from "../_files.ts";
import { exportedPrecision } from "../_precision.ts";
import { networkOf, piecesOf } from "./choose.ts";
import type { DecodeOptions } from "./options.ts";

/** The decoder's network: `decoder`, and `decoder-first` where a clip's first piece has one of its own. */
export async function exportDecoder(
  options: DecodeOptions,
  context: ExportContext,
): Promise<StageExport> {
  const { network } = options;
  const model = autoencoderOf("decode", options);
  const decoder = networkOf(model, "fused", exportedPrecision(options.precision));
  const names = decoder.ownFirst ? ["decoder-first", "decoder"] : ["decoder"];
  if (!names.some((name) => context.wants(name))) return { networks: [] };
  const weights = await openWeights({
    option: "decode.weights",
    path: options.weights,
    builtIn: model.weights,
    network,
    directory: context.directory,
  });
  const [chunk = 1, , height = 8, width = 8] = context.takes ?? [];
  const frames = piecesOf(decoder, options.batch, chunk, height * width);
  const shape = { frames, height, width };
  const networks = await writeNetworks(
    names.map((name) => ({
      name,
      graph: decoder.build(shape, name === "decoder-first").graph,
      weights,
    })),
    context,
  );
  return { networks };
}
