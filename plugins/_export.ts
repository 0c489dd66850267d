/** Networks in ONNX files that stand alone, for other runtimes. */

import { basename, join } from "@std/path";
import { checkWeights } from "../engine/load/mod.ts";
import { type Graph, type ParameterData, writeModel } from "../engine/onnx/mod.ts";
import { entryOf, type WeightFile } from "../engine/weights/mod.ts";
import type { ExportContext, ExportedNetwork, NetworkValue } from "../pipeline/export.ts";
import { mending } from "./_files.ts";

/** Bytes of weights that go into the model's own file; it may have 2 GB at most, and is built in memory. */
const INLINE_LIMIT = 1 << 30;

/** Where tensors begin in a file of their own: what memory-mapping likes. */
const ALIGNMENT = 4096;

/** A network to be written. */
export interface NetworkToExport {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly graph: Graph;
  readonly weights: WeightFile;
}

/**
 * Writes a network's file, and one beside it where its weights are many. They keep the type they are stored
 * in. Both have temporary names until they are whole.
 *
 * @param limit bytes of weights inside the model's file, at most
 */
export async function writeNetwork(
  { name, graph, weights }: NetworkToExport,
  { folder, signal }: Pick<ExportContext, "folder" | "signal">,
  limit = INLINE_LIMIT,
): Promise<ExportedNetwork> {
  await mending(() => checkWeights([graph], weights, { allowSurplus: true, signal }));
  const entries = [...graph.parameters.keys()].map((key) => [key, entryOf(weights, key)] as const);
  const total = entries.reduce((sum, [, { length }]) => sum + length, 0);
  const path = join(folder, `${name}.onnx`);
  const token = crypto.randomUUID().slice(0, 8);
  const written: { readonly temporary: string; readonly path: string }[] = [];
  const begin = (path: string) => {
    const temporary = join(folder, `.${basename(path)}.${token}.part`);
    written.push({ temporary, path });
    return temporary;
  };
  const located = new Map<string, ParameterData>();
  const data = total > limit ? `${path}.data` : undefined;
  let bytes = 0;
  try {
    if (data === undefined) {
      for (const [key, { dtype, length }] of entries) {
        signal.throwIfAborted();
        const data = new Uint8Array(length);
        await weights.readInto(key, data);
        located.set(key, { dtype, data });
      }
    } else {
      using file = await Deno.open(begin(data), { write: true, createNew: true });
      for (const [key, { dtype, length }] of entries) {
        signal.throwIfAborted();
        const block = new Uint8Array(length + (-length & (ALIGNMENT - 1)));
        await weights.readInto(key, block.subarray(0, length));
        for (let done = 0; done < block.length;) done += await file.write(block.subarray(done));
        located.set(key, { dtype, location: basename(data), offset: bytes, length });
        bytes += block.length;
      }
    }
    const model = writeModel(graph, (key) => located.get(key)!);
    await Deno.writeFile(begin(path), model, { createNew: true, signal });
    bytes += model.length;
    for (const { temporary, path } of written) await Deno.rename(temporary, path);
  } catch (error) {
    for (const { temporary } of written) await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  const inputs: NetworkValue[] = graph.inputs.map(({ name, dtype, dims }) => ({
    name,
    dtype,
    shape: dims,
  }));
  const outputs: NetworkValue[] = graph.outputs.map(({ name, value }) => ({
    name,
    dtype: value.dtype,
    shape: value.dims,
  }));
  return { name, path, ...(data !== undefined && { data }), bytes, inputs, outputs };
}

/** Writes those networks that are wanted. */
export async function writeNetworks(
  networks: readonly NetworkToExport[],
  context: ExportContext,
): Promise<ExportedNetwork[]> {
  const exported: ExportedNetwork[] = [];
  for (const network of networks) {
    if (context.wants(network.name)) exported.push(await writeNetwork(network, context));
  }
  return exported;
}
