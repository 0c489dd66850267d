/** What comes from a server, with errors that say what to do. Cheap to import. */

import { UserError } from "../pipeline/errors.ts";

/** Runs something that fetches, or keeps what was fetched; what the user can mend becomes a `UserError`. */
export async function mendingDownloads<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Loaded on use: whoever only wants to know the plugins does not pay for them.
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
