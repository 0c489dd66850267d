/** What this machine has of what `cuda` needs, for `devices list` and `doctor`. */

import { type CudaDriver, cudaDriver } from "./_cuda_driver.ts";
import { type CudaNeed, cudaNeeds } from "./cuda_needs.ts";
import { type CudaProvider, findCudaProvider, installedCuda } from "./cuda_provider.ts";

/** Provider, driver, and NVIDIA's libraries. */
export interface CudaReport {
  /** What ONNX Runtime would load; undefined where there is none. */
  readonly provider: CudaProvider | undefined;
  /** Folder that `devices install cuda` has filled for this version; undefined where it has not. */
  readonly installed: string | undefined;
  /** Undefined where no driver can be opened. */
  readonly driver: CudaDriver | undefined;
  /** Empty on macOS. */
  readonly needs: readonly CudaNeed[];
}

/** Looks for everything; opens no card. Throws a LibraryError where ONNX Runtime itself is missing. */
export function inspectCuda(): CudaReport {
  const provider = findCudaProvider();
  if (Deno.build.os === "darwin") {
    return { provider, installed: undefined, driver: undefined, needs: [] };
  }
  return {
    provider,
    installed: installedCuda(),
    driver: cudaDriver(),
    needs: cudaNeeds(provider?.path),
  };
}
