/** What is in a picture or clip. Cheap to import. */

import type { LookOptions, Seen } from "./look.ts";

export type { LookOptions, Seen } from "./look.ts";

/**
 * Looks at the beginning of a picture or clip, as `encode-picture` would read it.
 *
 * @throws {UserError} where it is none, or one that is too large or too narrow
 */
export async function inspectPicture(path: string, options: LookOptions): Promise<Seen> {
  const { lookAt } = await import("./look.ts");
  return await lookAt(path, options);
}
