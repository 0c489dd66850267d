/** The CUDA provider's files, by system, and where `devices install cuda` keeps them. */

import { cacheFolder, isFile } from "./_surroundings.ts";

const windows = Deno.build.os === "windows";

/** The provider that loads into ONNX Runtime of the very same version. */
export const cudaBridge = windows
  ? "onnxruntime_providers_cuda.dll"
  : "libonnxruntime_providers_cuda.so";

/** What stands between ONNX Runtime and the bridge. */
export const cudaShared = windows
  ? "onnxruntime_providers_shared.dll"
  : "libonnxruntime_providers_shared.so";

/** The provider that brings its own version. */
export const cudaPlugin = windows
  ? "onnxruntime_providers_cuda_plugin.dll"
  : "libonnxruntime_providers_cuda_plugin.so";

/**
 * Whether the npm package's library takes the bridge: those for Windows and for Linux on ARM are built without
 * CUDA (1.30.0), so that the wheel's own library, which has no WebGPU, is needed there.
 */
export const packageTakesCuda = Deno.build.os === "linux" && Deno.build.arch === "x86_64";

/** Folder of the provider for a version of ONNX Runtime, in the user's cache. */
export function cudaFolder(version: string): string {
  return `${cacheFolder()}/onnxruntime-cuda-${version}`;
}

/** Folders of every version, begun ones too. */
export function cudaFolders(): string[] {
  const cache = cacheFolder();
  try {
    return Array.from(Deno.readDirSync(cache), ({ name }) => name)
      .filter((name) => name.startsWith("onnxruntime-cuda-"))
      .map((name) => `${cache}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The folder, if the provider is in it. It appears in one step, so that one file tells of all. */
export function installedFolder(version: string): string | undefined {
  const folder = cudaFolder(version);
  return isFile(`${folder}/${cudaBridge}`) ? folder : undefined;
}
