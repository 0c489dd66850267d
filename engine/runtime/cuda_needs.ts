/** What of NVIDIA's the CUDA provider needs on this machine, and whether it is there. */

import type { CudaDriver } from "./_cuda_driver.ts";
import { neededLibraries } from "./_elf.ts";

/** A library of NVIDIA's. */
export interface CudaNeed {
  /** Its file, as the system's loader looks for it, such as `libcublas.so.13`. */
  readonly library: string;
  /** What it is, such as `cuBLAS`. */
  readonly part: string;
  /** Whether the provider cannot be loaded without it; else it is looked for when something needs it. */
  readonly required: boolean;
  /** Whether the system's loader opens it. */
  readonly found: boolean;
  /** What the system's loader says of a library that it cannot open. */
  readonly problem?: string;
  /** The package in NVIDIA's repository for Debian and Ubuntu. */
  readonly apt: string;
  /** The package on PyPI, where there is one. */
  readonly pip?: string;
}

interface Part {
  readonly pattern: RegExp;
  readonly part: string;
  readonly apt: string;
  readonly pip?: string;
}

/** NVIDIA's own names for CUDA 13. Any 13.x will do where `13-0` is written. */
const parts: readonly Part[] = [
  {
    pattern: /^(libcuda\.so|nvcuda\.dll)/,
    part: "driver",
    // CUDA 13 needs the driver's branch 580 or a newer one.
    apt: "nvidia-driver-580 or newer",
  },
  {
    pattern: /cudart/,
    part: "CUDA runtime",
    apt: "cuda-cudart-13-0",
    pip: "nvidia-cuda-runtime",
  },
  { pattern: /cublas/, part: "cuBLAS", apt: "libcublas-13-0", pip: "nvidia-cublas" },
  { pattern: /curand/, part: "cuRAND", apt: "libcurand-13-0", pip: "nvidia-curand" },
  { pattern: /cufft/, part: "cuFFT", apt: "libcufft-13-0", pip: "nvidia-cufft" },
  { pattern: /cudnn/, part: "cuDNN", apt: "libcudnn9-cuda-13", pip: "nvidia-cudnn-cu13" },
  { pattern: /nvrtc/, part: "NVRTC", apt: "cuda-nvrtc-13-0", pip: "nvidia-cuda-nvrtc" },
];

/**
 * Opened by the provider when a convolution or an attention asks for them (ONNX Runtime's pull request 29252), so
 * that no table in the file names them.
 */
const late = Deno.build.os === "windows"
  ? ["cudnn64_9.dll", "nvrtc64_130_0.dll"]
  : ["libcudnn.so.9", "libnvrtc.so.13"];

/** What the provider of 1.30 for Windows imports of NVIDIA's. */
const windowsNeeds = ["nvcuda.dll", "cublasLt64_13.dll", "cublas64_13.dll"];

/** What the provider for Linux needs, where there is none yet to look into. */
const linuxNeeds = [
  "libcuda.so.1",
  "libcudart.so.13",
  "libcublas.so.13",
  "libcublasLt.so.13",
  "libcurand.so.10",
];

/**
 * Tries to open everything of NVIDIA's that the provider needs, driver first.
 *
 * @param provider the provider's file; what it names itself is tried. Without one, or where it cannot be read,
 * what version 1.30 needs.
 */
export function cudaNeeds(provider?: string): CudaNeed[] {
  const required = requiredBy(provider);
  const all = [...required, ...late.filter((library) => !required.includes(library))];
  return all
    .flatMap((library) => needOf(library, required.includes(library)) ?? [])
    .sort((a, b) => Number(b.part === "driver") - Number(a.part === "driver"));
}

/**
 * cuDNN, if it is not there. The provider opens without it and refuses every attention and convolution (version 1.30:
 * `CudaKernel::RequireCudnnHandle`), which is in the middle of a run.
 */
export function missingCudnn(): CudaNeed | undefined {
  const need = needOf(late[0]!, false);
  return need?.found === false ? need : undefined;
}

function needOf(library: string, required: boolean): CudaNeed | undefined {
  const known = parts.find(({ pattern }) => pattern.test(library));
  if (known === undefined) return undefined;
  const { pattern: _, ...part } = known;
  return { library, ...part, required, ...tryLibrary(library) };
}

function requiredBy(provider: string | undefined): readonly string[] {
  if (Deno.build.os === "windows") return windowsNeeds;
  if (provider === undefined) return linuxNeeds;
  try {
    return neededLibraries(provider);
  } catch {
    return linuxNeeds;
  }
}

function tryLibrary(library: string): { readonly found: boolean; readonly problem?: string } {
  try {
    Deno.dlopen(library, {}).close();
    return { found: true };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const problem = (error as Error).message.replace(/^(Could not open library: )+/, "");
    return { found: false, problem };
  }
}

/**
 * How to get what is missing, one way or part a sentence, without full stops; empty where nothing is missing.
 *
 * @param driver what the driver says, where there is one
 */
export function cudaRemedies(needs: readonly CudaNeed[], driver?: CudaDriver): string[] {
  const missing = needs.filter(({ found }) => !found);
  const libraries = missing.filter(({ part }) => part !== "driver");
  const remedies: string[] = [];
  if (missing.length > libraries.length) {
    remedies.push("Install NVIDIA's driver, 580 or newer (Ubuntu: nvidia-driver-580)");
  }
  // Its major version counts: a driver of 13.0 runs libraries of every 13.
  if (driver !== undefined && Number(driver.cuda.split(".")[0]) < 13) {
    remedies.push(
      `The driver runs CUDA up to ${driver.cuda}, and 13 is needed: install 580 or newer`,
    );
  }
  if (libraries.length === 0) return remedies;
  if (Deno.build.os === "windows") {
    return [...remedies, "Install NVIDIA's CUDA 13 and cuDNN 9, and put their folders bin on PATH"];
  }
  const apt = [...new Set(libraries.map(({ apt }) => apt))];
  const pip = [...new Set(libraries.flatMap(({ pip }) => pip ?? []))];
  return [
    ...remedies,
    `Debian and Ubuntu, from NVIDIA's repository: apt-get install ${apt.join(" ")}`,
    `Or: pip install ${pip.join(" ")}, and put the folders ${
      pipFolders(pip).join(" and ")
    } that they bring into LD_LIBRARY_PATH`,
  ];
}

/** Where NVIDIA's packages on PyPI keep their libraries, below site-packages. */
function pipFolders(pip: readonly string[]): string[] {
  const cudnn = pip.filter((name) => name.includes("cudnn"));
  return [
    ...(cudnn.length < pip.length ? ["nvidia/cu13/lib"] : []),
    ...(cudnn.length > 0 ? ["nvidia/cudnn/lib"] : []),
  ];
}
