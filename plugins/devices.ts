/** Devices that plugins compute on: what each is, and getting the CUDA provider. Cheap to import. */

import type { CudaReport, RuntimeReport } from "../engine/runtime/mod.ts";
import type { WheelOptions, WheelRecord } from "../engine/weights/mod.ts";
import { UserError } from "../pipeline/errors.ts";
import { mendingDownloads } from "./_downloads.ts";

export type {
  CudaCard,
  CudaDriver,
  CudaNeed,
  CudaProvider,
  CudaReport,
} from "../engine/runtime/mod.ts";
export type { FetchOptions, WheelEvent, WheelOptions, WheelRecord } from "../engine/weights/mod.ts";

/** What this machine can compute on, with what CUDA has and lacks. */
export interface DevicesReport extends RuntimeReport {
  /** Name of the default graphics adapter, where WebGPU finds one. */
  readonly adapter: string | undefined;
  /** Undefined where ONNX Runtime itself is missing. */
  readonly cuda: CudaReport | undefined;
  /** What to install of NVIDIA's, in sentences without full stops; empty where nothing is missing. */
  readonly cudaRemedies: readonly string[];
}

/** Getting the CUDA provider: what is to come, and the way to have it come. */
export interface CudaPlan {
  /** Version of ONNX Runtime, that of the package onnxruntime-node. */
  readonly version: string;
  /** File name of the wheel on the index. */
  readonly wheel: string;
  /** Bytes of the whole wheel; undefined where nobody says. */
  readonly wheelBytes: number | undefined;
  /** How many files are fetched out of the wheel; undefined where it comes whole. */
  readonly files: number | undefined;
  /** Bytes still to come; undefined where nobody says. */
  readonly coming: number | undefined;
  /** Bytes of the files unpacked; undefined where that is known once the wheel is here. */
  readonly unpacked: number | undefined;
  /** Where the files will be. */
  readonly folder: string;
  /** Whether the folder must be named in `SLUICE_ORT_CUDA`: it then has a library of its own, without WebGPU. */
  readonly separate: boolean;
  /**
   * Fetches, checks and keeps the files. What has come stays when it fails; the same again goes on from there.
   * Rejects with a `UserError` where the user can mend it.
   */
  install(): Promise<WheelRecord>;
}

/** Tries every device and looks for CUDA's parts. Never rejects for what is missing. */
export async function inspectDevices(
  devices: readonly string[] = ["cpu", "webgpu", "cuda:0"],
): Promise<DevicesReport> {
  const runtime = await import("../engine/runtime/mod.ts");
  const report = await runtime.inspectRuntime(devices);
  const cuda = report.library && runtime.inspectCuda();
  const webgpu = report.devices.some(({ device, available }) => device === "webgpu" && available);
  const adapter = webgpu ? await runtime.adapterName() : undefined;
  return {
    ...report,
    adapter,
    cuda,
    cudaRemedies: cuda ? runtime.cudaRemedies(cuda.needs, cuda.driver) : [],
  };
}

/** Bytes of the memory of NVIDIA's cards, by device: `cuda:0`, …, and `cuda`, which is the first. */
export async function memoryOfCards(): Promise<Readonly<Record<string, number>>> {
  const { cudaDriver } = await import("../engine/runtime/mod.ts");
  const cards = cudaDriver()?.cards ?? [];
  const named = cards.map(({ index, memory }) => [`cuda:${index}`, memory] as const);
  return Object.fromEntries([...named, ...cards.slice(0, 1).map(({ memory }) => ["cuda", memory])]);
}

/** The folder that the CUDA provider is in, if it was installed for this version of ONNX Runtime. */
export async function installedCuda(): Promise<string | undefined> {
  const runtime = await import("../engine/runtime/mod.ts");
  return await mendingDownloads(() => runtime.installedCuda());
}

/**
 * What getting the CUDA provider of ONNX Runtime's very version would fetch. Rejects with a `UserError` where there
 * is none for this machine, or the index cannot be used so.
 *
 * @param index address of a package index's simple API, such as `https://pypi.org/simple`
 */
export async function planCuda(index: string, options: WheelOptions = {}): Promise<CudaPlan> {
  const [runtime, weights] = await Promise.all([
    import("../engine/runtime/mod.ts"),
    import("../engine/weights/mod.ts"),
  ]);
  return await mendingDownloads(async () => {
    const wanted = runtime.cudaWheel();
    const plan = await weights.planWheel({ ...wanted, index }, options);
    return {
      version: wanted.version,
      wheel: plan.wheel.name,
      wheelBytes: plan.wheel.bytes,
      files: plan.wanted?.length,
      coming: plan.coming,
      unpacked: plan.unpacked,
      folder: wanted.folder,
      separate: wanted.separate,
      install: () => mendingDownloads(() => weights.fetchWheel(plan, options)),
    };
  });
}

/** Removes the CUDA provider of every version, and what has come of it. Returns the bytes that are free now. */
export async function removeCuda(): Promise<number> {
  const runtime = await import("../engine/runtime/mod.ts");
  return await mendingDownloads(async () => {
    let bytes = 0;
    for (const folder of runtime.cudaFolders()) bytes += await removeFolder(folder);
    return bytes;
  });
}

async function removeFolder(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      // The link to ONNX Runtime is none.
      if (isFile) bytes += (await Deno.stat(`${folder}/${name}`)).size;
    }
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw new UserError(`Cannot remove ${folder}: ${(error as Error).message}.`, { cause: error });
  }
  return bytes;
}
