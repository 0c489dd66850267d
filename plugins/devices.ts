/** Devices that plugins compute on: what each is, and getting the CUDA provider. Cheap to import. */

import type { CudaReport, CudaWheel, RuntimeReport } from "../engine/runtime/mod.ts";
import type { WheelOptions, WheelPlan, WheelRecord } from "../engine/weights/mod.ts";
import { UserError } from "../pipeline/errors.ts";

export type {
  CudaCard,
  CudaDriver,
  CudaNeed,
  CudaProvider,
  CudaReport,
  CudaWheel,
} from "../engine/runtime/mod.ts";
export type {
  IndexFile,
  WheelEvent,
  WheelMember,
  WheelNeed,
  WheelOptions,
  WheelPlan,
  WheelRecord,
  WheelRequest,
} from "../engine/weights/mod.ts";

/** What this machine can compute on, with what CUDA has and lacks. */
export interface DevicesReport extends RuntimeReport {
  /** Name of the default graphics adapter, where WebGPU finds one. */
  readonly adapter: string | undefined;
  /** Undefined where ONNX Runtime itself is missing. */
  readonly cuda: CudaReport | undefined;
  /** What to install of NVIDIA's, in words; empty where nothing is missing. */
  readonly cudaRemedy: string;
}

/** What to get, from where. */
export interface CudaSource {
  /** Address of a package index's simple API. */
  readonly index: string;
}

/** Getting the provider: what is wanted, and what is to come. */
export interface CudaPlan {
  readonly wanted: CudaWheel;
  readonly plan: WheelPlan;
}

/** PyPI's simple API. */
export const pypi = "https://pypi.org/simple";

/** Tries every device and looks for CUDA's parts. Never rejects for what is missing. */
export async function inspectDevices(
  devices: readonly string[] = ["cpu", "webgpu", "cuda:0"],
): Promise<DevicesReport> {
  const runtime = await import("../engine/runtime/mod.ts");
  const report = await runtime.inspectRuntime(devices);
  const cuda = report.library && runtime.inspectCuda();
  const adapter = devices.includes("webgpu") ? await runtime.adapterName() : undefined;
  return { ...report, adapter, cuda, cudaRemedy: cuda ? runtime.cudaRemedy(cuda.needs) : "" };
}

/** The folder that the CUDA provider is in, if it was installed for this version of ONNX Runtime. */
export async function installedCuda(): Promise<string | undefined> {
  const runtime = await import("../engine/runtime/mod.ts");
  return await mending(() => runtime.installedCuda());
}

/**
 * What getting the CUDA provider of ONNX Runtime's very version would fetch. Rejects with a `UserError` where there
 * is none for this machine, or the index cannot be used so.
 */
export async function planCuda(
  { index }: CudaSource,
  options: WheelOptions = {},
): Promise<CudaPlan> {
  const [runtime, { planWheel }] = await Promise.all([
    import("../engine/runtime/mod.ts"),
    import("../engine/weights/mod.ts"),
  ]);
  return await mending(async () => {
    const wanted = runtime.cudaWheel();
    return { wanted, plan: await planWheel({ ...wanted, index }, options) };
  });
}

/** Fetches, checks and keeps it. What has come stays when it fails; the same again goes on from there. */
export async function installCuda(
  { plan }: CudaPlan,
  options: WheelOptions = {},
): Promise<WheelRecord> {
  const { fetchWheel } = await import("../engine/weights/mod.ts");
  return await mending(() => fetchWheel(plan, options));
}

/** Removes the CUDA provider, and what has come of it. Returns the bytes that are free now. */
export async function removeCuda(): Promise<number> {
  const runtime = await import("../engine/runtime/mod.ts");
  return await mending(async () => {
    const { folder } = runtime.cudaWheel();
    let bytes = 0;
    for (const each of [folder, `${folder}.part`]) bytes += await removeFolder(each);
    return bytes;
  });
}

async function removeFolder(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile) bytes += (await Deno.stat(`${folder}/${name}`)).size;
    }
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw new UserError(`Cannot remove ${folder}: ${(error as Error).message}.`, { cause: error });
  }
  return bytes;
}

/** What the user can mend becomes a `UserError`. */
async function mending<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [{ DownloadError }, { DeviceUnavailableError }] = await Promise.all([
      import("../engine/weights/mod.ts"),
      import("../engine/runtime/mod.ts"),
    ]);
    const mendable = error instanceof DownloadError && error.mendable ||
      error instanceof DeviceUnavailableError;
    if (mendable) throw new UserError((error as Error).message, { cause: error });
    throw error;
  }
}
