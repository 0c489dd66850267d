/** Joins a graph, a file of weights and a device into a session. */

import { type Graph, type Parameter, writeModel } from "../onnx/mod.ts";
import type { Device, Session, SessionOptions } from "../runtime/mod.ts";
import { isFloat } from "../tensor/mod.ts";
import { checkFinite, matchParameters, type WeightFile } from "../weights/mod.ts";
import { type Placed, placeParameters } from "./_away.ts";

/** How weights are checked. */
export interface CheckOptions {
  /** Whether the file may hold tensors that no graph wants. Default: false. */
  readonly allowSurplus?: boolean;
  /** Aborted: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told now and then how many bytes have been looked through, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Checks that a file holds what graphs want, in the right shapes, all of it finite, also in a graph's float16. Throws a
 * `WeightsError` that names the tensors. Those that throw by themselves when they are read (`checked`) are left to
 * whoever loads a graph.
 *
 * @param graphs networks that share the file
 */
export async function checkWeights(
  graphs: readonly Graph[],
  file: WeightFile,
  options: CheckOptions = {},
): Promise<void> {
  const wanted = new Map(graphs.flatMap((graph) => [...graph.parameters]));
  const expected = [...wanted.values()].map(({ name, shape, value: { dtype } }) =>
    isFloat(dtype) ? { name, shape } : { name, shape, dtype }
  );
  matchParameters(file, expected, options);
  const inFloat16 = inFloat16Of([...wanted.values()]);
  await checkFinite(file, wanted.keys(), { ...options, inFloat16 });
}

/** Names of the parameters that a graph computes with in float16. */
function inFloat16Of(parameters: readonly Parameter[]): Set<string> {
  const narrow = parameters.filter(({ value }) => value.dtype === "float16");
  return new Set(narrow.map(({ name }) => name));
}

/** How a graph is loaded: as any session, but that the folder of its weights is known. */
export type LoadOptions = Omit<SessionOptions, "externalFolder">;

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
  options: LoadOptions = {},
): Promise<Session> {
  if (!file) return await device.createSession(writeModel(graph), options);
  await using prepared = await prepareGraph(graph, file, options);
  return await prepared.load(device, options);
}

/** A graph whose parameters are where the runtime can have them, to be loaded as often as needed. */
export interface PreparedGraph extends AsyncDisposable {
  /** Makes a session of it. Sessions outlive the preparation. */
  load(device: Device, options?: LoadOptions): Promise<Session>;
}

/** How parameters that do not lie in the file as they are used are made. */
export interface PrepareOptions extends Pick<SessionOptions, "signal"> {
  /** Threads that make them, at most; more than 8 are 8. Default: the machine's. */
  readonly threads?: number | undefined;
  /** Told now and then how many bytes of them are there, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Reads the parameters that do not lie in the file as they are used, once for all sessions to come. They stay in
 * memory where they are few, in a temporary file where they are many, until this is disposed of.
 *
 * @param file is to be checked before
 */
export async function prepareGraph(
  graph: Graph,
  file: WeightFile,
  options: PrepareOptions = {},
): Promise<PreparedGraph> {
  const inFloat16 = inFloat16Of([...graph.parameters.values()]);
  const names = [...graph.parameters.keys()];
  const placed: Placed = await placeParameters(file, names, { ...options, inFloat16 });
  const { folder, data } = placed;
  return {
    async load(device, options = {}) {
      // Adapters without 16-bit floats cannot gather from a table of them.
      const narrowTables = device.kind !== "webgpu";
      const model = writeModel(graph, (name) => data.get(name)!, { narrowTables });
      return await device.createSession(model, { ...options, externalFolder: folder });
    },
    [Symbol.asyncDispose]: () => placed[Symbol.asyncDispose](),
  };
}
