/** Joins a graph, a file of weights and a device into a session. */

import { type Graph, type Locate, writeModel } from "../onnx/mod.ts";
import type { Device, Session, SessionOptions } from "../runtime/mod.ts";
import { checkFinite, matchParameters, type WeightFile } from "../weights/mod.ts";

/** How weights are checked. */
export interface CheckOptions {
  /** Whether the file may hold tensors that no graph wants. Default: false. */
  readonly allowSurplus?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Checks that a file holds what graphs want, in the right shapes, all of it finite. Throws a
 * `WeightsError` that names the tensors.
 *
 * @param graphs networks that share the file
 */
export async function checkWeights(
  graphs: readonly Graph[],
  file: WeightFile,
  options: CheckOptions = {},
): Promise<void> {
  const wanted = new Map(graphs.flatMap((graph) => [...graph.parameters]));
  matchParameters(file, [...wanted.values()], options);
  await checkFinite(file, wanted.keys(), options);
}

/**
 * Loads a graph on a device. Its parameters are read from the file where they lie: nothing is converted or
 * copied before the runtime has it.
 *
 * @param file may be left out for a graph without parameters; is to be checked before
 */
export function loadGraph(
  device: Device,
  graph: Graph,
  file?: WeightFile,
  options: Omit<SessionOptions, "externalFolder"> = {},
): Promise<Session> {
  if (!file) return device.createSession(writeModel(graph), options);
  const path = Deno.realPathSync(file.path);
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  const location = path.slice(cut);
  const locate: Locate = (name) => {
    const { dtype, offset, length } = file.tensors.get(name)!;
    return { dtype, location, offset, length };
  };
  // Adapters without 16-bit floats cannot gather from a table of them.
  const narrowTables = device.kind !== "webgpu";
  return device.createSession(writeModel(graph, locate, { narrowTables }), {
    ...options,
    externalFolder: path.slice(0, cut),
  });
}
