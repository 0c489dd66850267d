/** What plugins can compute with on this machine, and what files of weights hold. Cheap to import. */

import type { RuntimeReport } from "../engine/runtime/mod.ts";
import type { WeightsReport } from "../engine/weights/mod.ts";

export type { DeviceReport, Library, RuntimeReport } from "../engine/runtime/mod.ts";
export type {
  DTypeTotal,
  TensorFamily,
  WeightFormat,
  WeightsReport,
} from "../engine/weights/mod.ts";

/**
 * Looks for ONNX Runtime and tries each device once (`cpu`, `webgpu`, `cuda:n`), closing it again.
 * Never rejects for what is missing: the report says what, why, and what to do.
 */
export async function inspectRuntime(devices?: readonly string[]): Promise<RuntimeReport> {
  const runtime = await import("../engine/runtime/mod.ts");
  return await runtime.inspectRuntime(devices);
}

/**
 * Looks into a safetensors file or a torch checkpoint, of which the tables alone are read: `file.pt`, or
 * `file.pt#key` for one container in it. Rejects with a `UserError` where the file cannot be used.
 */
export async function inspectWeights(spec: string): Promise<WeightsReport> {
  const [{ inspectWeights }, { mending }] = await Promise.all([
    import("../engine/weights/mod.ts"),
    import("./_files.ts"),
  ]);
  return await mending(() => inspectWeights(spec));
}
