/** The two decoders, piece by piece as the stage drives them, and the video encoder behind them. */

import {
  framesToTrim,
  picturesOf,
  taehvDecoder,
  vaeTemporalFactor,
  wanVaeDecoder,
} from "../engine/networks/mod.ts";
import type { Graph } from "../engine/onnx/mod.ts";
import type { Tensor } from "../engine/runtime/mod.ts";
import { networkOf, piecesOf } from "../plugins/decode/choose.ts";
import { bytesOf, plannedBytes, sumWork, workOf } from "./_flops.ts";
import { latentShape } from "./_wan_transformer.ts";
import { memoryInUse } from "./_wan_memory.ts";
import { type Bench, measured } from "./_wan_parts.ts";
import type { WanBenchOptions } from "./_wan_options.ts";
import { timed } from "./_wan_timing.ts";

/** A decoder's graphs: for a clip's first piece and for the others. */
export interface DecoderGraphs {
  readonly name: string;
  /** Latent frames of a piece. */
  readonly pieces: number;
  readonly first: { readonly graph: Graph; readonly pictures: number };
  readonly next: { readonly graph: Graph; readonly pictures: number };
  /** Whether memories are replaced where they lie. */
  readonly inPlace: boolean;
}

/** Builds a decoder's graphs for pieces as the decoder stage cuts them. */
export function decoderGraphs(
  kind: "taehv" | "vae",
  options: Pick<WanBenchOptions, "sizes" | "precision">,
  attention: "fused" | "composed" = "fused",
): DecoderGraphs {
  const { sizes, precision: dtype } = options;
  const { shape } = latentShape(options);
  const { taehv, vae } = sizes;
  const network = networkOf(
    kind === "taehv" ? { kind, sizes: taehv } : { kind: "wan-vae", sizes: vae },
  );
  const pieces = piecesOf(network, sizes.batch, shape.frames, shape.height * shape.width);
  const piece = { ...shape, frames: pieces };
  if (kind === "taehv") {
    const { graph } = taehvDecoder(taehv, piece, "rgb", { dtype });
    const pictures = 4 * pieces;
    return {
      name: "taew2.1",
      pieces,
      first: { graph, pictures: pictures - framesToTrim(taehv) },
      next: { graph, pictures },
      inPlace: false,
    };
  }
  const build = (part: "first" | "next") =>
    wanVaeDecoder(vae, piece, { part, attention, dtype }).graph;
  return {
    name: "Wan VAE",
    pieces,
    first: { graph: build("first"), pictures: picturesOf(vae, pieces, "first") },
    next: { graph: build("next"), pictures: vaeTemporalFactor(vae) * pieces },
    inPlace: true,
  };
}

/** Measures a decoder. Pictures are read back to the host, as the stage does. */
export async function measureDecoder(bench: Bench, kind: "taehv" | "vae"): Promise<void> {
  const { device, tensors, options, memory, attention } = bench;
  const { name, pieces, first, next, inPlace } = decoderGraphs(kind, options, attention);
  const count = options.sizes.chunk / pieces;
  const before = tensors.bytes;
  await using stack = new AsyncDisposableStack();
  const inputs = await tensors.inputsOf(next.graph);
  const memories = tensors.bytes - before;
  const others = new Map<string, Tensor>();
  for (const [name, tensor] of inputs) {
    if (name === "latents" || inPlace) continue;
    others.set(name, tensors.empty(tensor.dtype, tensor.shape) as Tensor);
  }
  let weights = 0;
  let activations = 0;
  const measure = async (graph: Graph) => {
    const planned = plannedBytes(graph);
    activations = Math.max(activations, planned);
    // Before loading, which may make inputs of weights.
    const reads = graph.inputs.map(({ name }) => name);
    const work = sumWork(workOf(graph));
    const { session, weights: parameters, bytes } = await tensors.load(graph);
    weights += bytes;
    const binding = stack.use(session.createBinding());
    for (const name of reads) binding.input(name, inputs.get(name)!);
    for (const [name, tensor] of parameters) binding.input(name, tensor);
    for (const { name, value } of graph.outputs) {
      if (name === "rgb") {
        const dims = value.dims as readonly number[];
        const rgb = stack.use(device.createTensor("uint8", dims, { on: "host" }));
        binding.output(name, rgb as Tensor);
      } else {
        const carried = name.replace(/\.next$/, "");
        binding.output(name, (others.get(carried) ?? inputs.get(carried))!);
      }
    }
    const ms = await timed(() => session.run(binding), { runs: options.runs });
    return { ...work, ms };
  };
  const nextPiece = await measure(next.graph);
  const firstPiece = first.graph === next.graph ? nextPiece : await measure(first.graph);
  const used = await memoryInUse(bench.device, name);
  if (used !== undefined) bench.notes.push(used);
  measured(
    bench,
    { name: `${name}: first piece`, ...firstPiece, pictures: first.pictures },
    {
      name: `${name}: chunk`,
      ...sumWork([nextPiece], count),
      ms: nextPiece.ms * count,
      pictures: next.pictures * count,
    },
  );
  memory.push(
    { name: `${name}: weights`, bytes: weights },
    { name: `${name}: memories and latents`, bytes: memories + bytesOfAll(others) },
    {
      name: `${name}: activations of ${pieces} latent frame${pieces > 1 ? "s" : ""}`,
      bytes: activations,
      planned: true,
    },
  );
}

function bytesOfAll(tensors: ReadonlyMap<string, Tensor>): number {
  let bytes = 0;
  for (const tensor of tensors.values()) bytes += tensor.bytes;
  return bytes;
}

/** Bytes of a decoder's memories. */
export function memoryBytes({ next, inPlace }: DecoderGraphs): number {
  const bytes = next.graph.inputs
    .filter(({ name }) => name.startsWith("memory."))
    .reduce((sum, value) => sum + bytesOf(value), 0);
  return inPlace ? bytes : 2 * bytes;
}
