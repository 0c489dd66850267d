/** What plugins can compute with on this machine. Cheap to import. */

import type { RuntimeReport } from "../engine/runtime/mod.ts";

export type { DeviceReport, RuntimeReport } from "../engine/runtime/mod.ts";

/**
 * Looks for ONNX Runtime and tries each device once (`cpu`, `webgpu`, `cuda:n`), closing it again.
 * Never rejects for what is missing: the report says what, why, and what to do.
 */
export async function inspectRuntime(devices?: readonly string[]): Promise<RuntimeReport> {
  const runtime = await import("../engine/runtime/mod.ts");
  return await runtime.inspectRuntime(devices);
}
