/** Which published models a config names files of. */
import type { NamedFile } from "../mod.ts";
import type { Config } from "../pipeline/config.ts";

export type { NamedFile };

/** The published files that a config names, once each. */
export async function publishedIn(config: Config): Promise<NamedFile[]> {
  const { publishedIn } = await import("../mod.ts");
  return publishedIn(config.stages.map(({ spec }) => spec));
}

/**
 * Refuses a config that names files of published models which are not here.
 *
 * @throws {UserError} which says what to pull.
 */
export async function checkPublished(config: Config): Promise<void> {
  const { checkPublished } = await import("../mod.ts");
  checkPublished(config.name, config.stages.map(({ spec }) => spec));
}
