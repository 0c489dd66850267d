/** Joins a graph, a file of weights and a device into a session. */

import { type Graph, writeModel } from "../onnx/mod.ts";
import type { Device, Session, SessionOptions } from "../runtime/mod.ts";
import { checkFinite, matchParameters, type WeightFile } from "../weights/mod.ts";
import { placeParameters } from "./_away.ts";

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
 * copied before the runtime has it. Those that do not lie there as they are used (`inPlace: false`) are read first.
 *
 * @param file may be left out for a graph without parameters; is to be checked before
 */
export async function loadGraph(
  device: Device,
  graph: Graph,
  file?: WeightFile,
  options: Omit<SessionOptions, "externalFolder"> = {},
): Promise<Session> {
  if (!file) return await device.createSession(writeModel(graph), options);
  await using placed = await placeParameters(file, [...graph.parameters.keys()], {
    signal: options.signal,
  });
  const { folder, data } = placed;
  // Adapters without 16-bit floats cannot gather from a table of them.
  const narrowTables = device.kind !== "webgpu";
  return await device.createSession(
    writeModel(graph, (name) => data.get(name)!, { narrowTables }),
    {
      ...options,
      externalFolder: folder,
    },
  );
}
