/** ONNX Runtime's library and the CUDA provider side by side, which is how the one finds the other. */

import { LibraryError } from "./errors.ts";

/**
 * Puts links to the library and to the providers of another folder into `folder`; gives the library's link. The
 * library looks for providers in the folder it was opened from, by the name it was opened under (`dladdr`), so a
 * symbolic link does. Throws a LibraryError where that cannot be done.
 */
export function joinFolders(library: string, providers: string, folder: string): string {
  const name = library.slice(library.lastIndexOf("/") + 1);
  try {
    Deno.mkdirSync(folder, { recursive: true });
    link(Deno.realPathSync(library), `${folder}/${name}`);
    if (providers !== folder) {
      for (const entry of Deno.readDirSync(providers)) {
        if (!/^libonnxruntime_providers_.*\.so$/.test(entry.name)) continue;
        link(Deno.realPathSync(`${providers}/${entry.name}`), `${folder}/${entry.name}`);
      }
    }
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
  // No process's own number: in containers that is the same each time, and one may have died between the two steps.
  const temporary = `${path}.${crypto.randomUUID()}`;
  Deno.symlinkSync(target, temporary);
  try {
    Deno.renameSync(temporary, path);
  } catch (error) {
    Deno.removeSync(temporary);
    throw error;
  }
}
