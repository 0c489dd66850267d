/** Where ONNX Runtime's shared library is. */

import { LibraryError } from "./errors.ts";

/** A found library. */
export interface Library {
  /** Its file. */
  readonly path: string;
  /** Which rule found it: a variable, or the npm package. */
  readonly source: "SLUICE_ORT_LIBRARY" | "SLUICE_ORT_CUDA" | "onnxruntime-node";
}

/** Name of the CUDA provider's file that loads into ONNX Runtime itself. */
export const cudaBridge = Deno.build.os === "windows"
  ? "onnxruntime_providers_cuda.dll"
  : "libonnxruntime_providers_cuda.so";

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

/**
 * The library, looked for once a process, first found wins:
 *
 * 1. the file that `SLUICE_ORT_LIBRARY` names;
 * 2. ONNX Runtime's library in the folder that `SLUICE_ORT_CUDA` names, if that folder has one of its own;
 * 3. the one inside `npm:onnxruntime-node` for this system and processor.
 *
 * ONNX Runtime looks for the provider libraries of CUDA in the folder its own library was opened from, and
 * nowhere else (`Env::GetRuntimePath`, by `dladdr`). PyPI's onnxruntime-gpu has both in `onnxruntime/capi`, and
 * no WebGPU. Where `SLUICE_ORT_CUDA` names a folder with the providers alone, the npm package's library is
 * opened through a folder of symbolic links to both, in the user's cache.
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
  if (cuda !== undefined && Deno.build.os === "linux" && isFile(`${cuda}/${cudaBridge}`)) {
    return { path: linkTogether(path, cuda), source: "SLUICE_ORT_CUDA" };
  }
  return { path, source: "onnxruntime-node" };
}

/** Links to the library and to the providers of another folder, side by side; gives the library's link. */
function linkTogether(library: string, providers: string): string {
  const cache = environment("XDG_CACHE_HOME") ?? `${environment("HOME") ?? "/tmp"}/.cache`;
  const folder = `${cache}/sluice/onnxruntime-cuda`;
  const name = library.slice(library.lastIndexOf("/") + 1);
  const targets = new Map([[name, Deno.realPathSync(library)]]);
  for (const entry of Deno.readDirSync(providers)) {
    if (!/^libonnxruntime_providers_.*\.so$/.test(entry.name)) continue;
    targets.set(entry.name, Deno.realPathSync(`${providers}/${entry.name}`));
  }
  try {
    Deno.mkdirSync(folder, { recursive: true });
    for (const [name, target] of targets) link(target, `${folder}/${name}`);
  } catch (cause) {
    throw new LibraryError(
      `cannot link ONNX Runtime and the CUDA provider together in ${folder}: ` +
        `${(cause as Error).message}. Put the files of ${providers} beside ${library} instead`,
      { cause },
    );
  }
  return `${folder}/${name}`;
}

/** Makes a link or points it anew; in one step, since another process may be opening it. */
function link(target: string, path: string): void {
  try {
    if (Deno.readLinkSync(path) === target) return;
  } catch {
    // There is none yet.
  }
  const temporary = `${path}.${Deno.pid}`;
  Deno.symlinkSync(target, temporary);
  Deno.renameSync(temporary, path);
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
  const path = filePath(new URL(`../bin/napi-v6/${platform}/${architecture}/${name}`, main));
  if (isFile(path)) return path;
  throw new LibraryError(
    `cannot find ONNX Runtime at ${path}: there is no such file. Run deno install, ` +
      "or name a library of version 1.30 in SLUICE_ORT_LIBRARY",
  );
}

function filePath(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

/** A variable's value; undefined where it is unset, empty or not to be read. */
export function environment(name: string): string | undefined {
  try {
    return Deno.env.get(name) || undefined;
  } catch {
    return undefined;
  }
}

/** Whether a file is there. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
