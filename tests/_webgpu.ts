/** Whether tests may use a WebGPU adapter here; where they may not, one line says why. */

import { DeviceUnavailableError, openDevice } from "../engine/runtime/mod.ts";

let found: Promise<boolean> | undefined;

/** Tries once a process. */
export function webgpuIsHere(): Promise<boolean> {
  return found ??= (async () => {
    try {
      await using _device = await openDevice("webgpu");
      return true;
    } catch (error) {
      if (!(error instanceof DeviceUnavailableError)) throw error;
      console.error(`skipped: tests on webgpu (${error.message})`);
      return false;
    }
  })();
}
