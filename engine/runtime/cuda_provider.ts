/** ONNX Runtime's CUDA provider: where it is, and which wheel on PyPI has it. */

import {
  cudaBridge,
  cudaFolder,
  cudaPlugin,
  cudaShared,
  installedFolder,
  packageTakesCuda,
} from "./_cuda_files.ts";
import { DeviceUnavailableError, LibraryError } from "./errors.ts";
import { findLibrary, packagedVersion } from "./library.ts";
import { environment, isFile } from "./_surroundings.ts";

/** A provider library that is there. */
export interface CudaProvider {
  /** `bridge`: of ONNX Runtime's own version, loaded from its folder. `plugin`: brings its own version. */
  readonly form: "bridge" | "plugin";
  /** Its file. */
  readonly path: string;
}

/** What to take out of which wheel. */
export interface CudaWheel {
  /** Name on the package index. */
  readonly project: string;
  /** That of the package onnxruntime-node: the two load only together. */
  readonly version: string;
  /** Platform tags of wheels that run here. */
  readonly platform: RegExp;
  /** This system in words, such as `linux x86_64`. */
  readonly platformName: string;
  /** Paths in the wheel of the libraries that are needed. */
  readonly members: readonly string[];
  /** Paths in the wheel of what comes along where it is there: licences. */
  readonly extras: readonly string[];
  /** Where the libraries are put. */
  readonly folder: string;
  /** Whether the folder must be named in `SLUICE_ORT_CUDA`: it then has a library of its own, without WebGPU. */
  readonly separate: boolean;
}

/** What to say where there is no CUDA at all. */
export const noCuda =
  "CUDA needs Linux (x86-64, ARM) or Windows (x86-64) and an NVIDIA card; use webgpu here";

/**
 * The wheel for this system. Throws a DeviceUnavailableError where NVIDIA's cards are not for this system, and a
 * LibraryError where the package onnxruntime-node is not there.
 */
export function cudaWheel(): CudaWheel {
  const system = `${Deno.build.os} ${Deno.build.arch}`;
  const platforms: Readonly<Record<string, RegExp>> = {
    "linux x86_64": /^(many)?linux.*_x86_64$/,
    "linux aarch64": /^(many)?linux.*_aarch64$/,
    "windows x86_64": /^win_amd64$/,
  };
  const platform = platforms[system];
  if (platform === undefined) {
    throw new DeviceUnavailableError("cuda", `there is no CUDA for ${system}`, noCuda);
  }
  const version = packagedVersion();
  const runtime = Deno.build.os === "windows" ? "onnxruntime.dll" : `libonnxruntime.so.${version}`;
  const files = [cudaBridge, cudaShared, ...(packageTakesCuda ? [] : [runtime])];
  return {
    project: "onnxruntime-gpu",
    version,
    platform,
    platformName: system,
    members: files.map((file) => `onnxruntime/capi/${file}`),
    extras: ["onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"],
    folder: cudaFolder(version),
    separate: !packageTakesCuda,
  };
}

/**
 * Where `devices install cuda` has put the provider for the package onnxruntime-node; undefined where it has not, or
 * where that package is not there and ONNX Runtime is named by `SLUICE_ORT_LIBRARY`.
 */
export function installedCuda(): string | undefined {
  try {
    return installedFolder(packagedVersion());
  } catch (error) {
    if (error instanceof LibraryError) return undefined;
    throw error;
  }
}

/** The provider that this process's ONNX Runtime would load. Throws a LibraryError where there is no library. */
export function findCudaProvider(): CudaProvider | undefined {
  const library = findLibrary().path;
  const own = library.slice(0, Math.max(library.lastIndexOf("/"), library.lastIndexOf("\\")));
  // The bridge loads from ONNX Runtime's own folder only.
  const bridge = `${own}/${cudaBridge}`;
  if (isFile(bridge)) return { form: "bridge", path: bridge };
  const named = environment("SLUICE_ORT_CUDA");
  const plugin = [own, ...(named === undefined ? [] : [named])]
    .map((folder) => `${folder}/${cudaPlugin}`)
    .find(isFile);
  return plugin === undefined ? undefined : { form: "plugin", path: plugin };
}
