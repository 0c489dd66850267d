/** Where ONNX Runtime's shared library is. */

import { cacheFolder, environment, isFile } from "./_surroundings.ts";
import { cudaBridge, installedFolder, packageTakesCuda } from "./_cuda_files.ts";
import { LibraryError } from "./errors.ts";
import { joinFolders } from "./_joined.ts";

/** A found library. */
export interface Library {
  /** Its file. */
  readonly path: string;
  /**
   * Which rule found it: a variable, or the npm package; `devices install cuda` where that is opened beside the
   * installed CUDA provider.
   */
  readonly source:
    | "SLUICE_ORT_LIBRARY"
    | "SLUICE_ORT_CUDA"
    | "devices install cuda"
    | "onnxruntime-node";
}

const names: Readonly<Record<string, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  windows: "onnxruntime.dll",
};

const nodePlatforms: Readonly<Record<string, string>> = {
  linux: "linux",
  darwin: "darwin",
  windows: "win32",
};

const nodeArchitectures: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };

let found: Library | undefined;
let joinProblem: string | undefined;

/**
 * The library, looked for once a process, first found wins:
 *
 * 1. the file that `SLUICE_ORT_LIBRARY` names;
 * 2. ONNX Runtime's library in the folder that `SLUICE_ORT_CUDA` names, if that folder has one of its own;
 * 3. the one inside `npm:onnxruntime-node` for this system and processor.
 *
 * ONNX Runtime looks for the provider libraries of CUDA in the folder its own library was opened from, and
 * nowhere else (`Env::GetRuntimePath`, by `dladdr`). PyPI's onnxruntime-gpu has both in `onnxruntime/capi`, and
 * no WebGPU. Where `SLUICE_ORT_CUDA` names a folder with the providers alone, or `devices install cuda` put them
 * into the user's cache, the npm package's library is opened by a symbolic link beside them. It is the same
 * library, with the processor and WebGPU; and since a process opens one library once, whatever device it is
 * asked for first, the link is used by all of them.
 *
 * Throws a LibraryError that says which of them failed and how to help it. Never touches the network.
 */
export function findLibrary(): Library {
  return found ??= look();
}

function look(): Library {
  const named = environment("SLUICE_ORT_LIBRARY");
  if (named !== undefined) {
    if (isFile(named)) return { path: named, source: "SLUICE_ORT_LIBRARY" };
    throw new LibraryError(
      `cannot find ONNX Runtime at ${named}, which SLUICE_ORT_LIBRARY names: there is no such file. ` +
        "Unset the variable to use the library inside npm:onnxruntime-node",
    );
  }
  const cuda = environment("SLUICE_ORT_CUDA");
  if (cuda !== undefined) {
    const path = libraryIn(cuda);
    if (path !== undefined) return { path, source: "SLUICE_ORT_CUDA" };
  }
  const path = packaged();
  if (!packageTakesCuda) return { path, source: "onnxruntime-node" };
  if (cuda !== undefined && isFile(`${cuda}/${cudaBridge}`)) {
    const folder = `${cacheFolder()}/onnxruntime-cuda`;
    return { path: joinFolders(path, cuda, folder), source: "SLUICE_ORT_CUDA" };
  }
  try {
    const installed = installedFolder(packagedVersion());
    if (installed !== undefined) {
      return { path: joinFolders(path, installed, installed), source: "devices install cuda" };
    }
  } catch (error) {
    // The processor and WebGPU do without; whoever asks for CUDA is told.
    joinProblem = (error as Error).message;
  }
  return { path, source: "onnxruntime-node" };
}

/** Why the installed CUDA provider could not be put beside the library, if it could not. */
export function cudaJoinProblem(): string | undefined {
  return joinProblem;
}

/** ONNX Runtime's library inside a folder, by any of the names it is shipped under. */
export function libraryIn(folder: string): string | undefined {
  const main = names[Deno.build.os] ?? names["linux"]!;
  let entries: string[];
  try {
    entries = Array.from(Deno.readDirSync(folder), (entry) => entry.name);
  } catch {
    return undefined;
  }
  const pattern = Deno.build.os === "darwin"
    ? /^libonnxruntime\.1[\d.]*\.dylib$/
    : /^libonnxruntime\.so\.1[\d.]*$/;
  const name = entries.includes(main) ? main : entries.sort().find((entry) => pattern.test(entry));
  return name === undefined ? undefined : `${folder.replace(/[\\/]+$/, "")}/${name}`;
}

function packaged(): string {
  const platform = nodePlatforms[Deno.build.os];
  const architecture = nodeArchitectures[Deno.build.arch];
  const name = names[Deno.build.os];
  if (platform === undefined || architecture === undefined || name === undefined) {
    throw new LibraryError(
      `cannot find ONNX Runtime for ${Deno.build.os} ${Deno.build.arch}: npm:onnxruntime-node has none. ` +
        "Build it and name the file in SLUICE_ORT_LIBRARY",
    );
  }
  const path = filePath(`bin/napi-v6/${platform}/${architecture}/${name}`);
  if (isFile(path)) return path;
  throw new LibraryError(
    `cannot find ONNX Runtime at ${path}: there is no such file. Run deno install, ` +
      "or name a library of version 1.30 in SLUICE_ORT_LIBRARY",
  );
}

/** A file of the package onnxruntime-node. Throws a LibraryError where the package is not there. */
function filePath(inside: string): string {
  let main: string;
  try {
    // The address only: importing the package would load its own binding and run its installer's code.
    main = import.meta.resolve("onnxruntime-node");
  } catch (cause) {
    throw new LibraryError(
      "cannot find the package onnxruntime-node: it is not installed. Run deno install",
      { cause },
    );
  }
  // …/onnxruntime-node/dist/index.js
  const path = decodeURIComponent(new URL(`../${inside}`, main).pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

/** Version of the package onnxruntime-node, such as `1.30.0`. Throws a LibraryError where it is not there. */
export function packagedVersion(): string {
  const path = filePath("package.json");
  try {
    const { version } = JSON.parse(Deno.readTextFileSync(path)) as { version?: unknown };
    if (typeof version === "string" && /^[\w.+-]+$/.test(version)) return version;
    throw new TypeError("it says no version");
  } catch (cause) {
    throw new LibraryError(
      `cannot read the version of onnxruntime-node in ${path}: ${
        (cause as Error).message
      }. Run deno install`,
      { cause },
    );
  }
}
