/** Which published models a config names files of. */
import { isAbsolute, resolve } from "@std/path";
import type { ModelFile, PublishedModel } from "../mod.ts";
import type { Config } from "../pipeline/config.ts";
import { UserError } from "../pipeline/errors.ts";

/** A file that a config names and a published model has. */
export interface NamedFile {
  readonly model: PublishedModel;
  readonly file: ModelFile;
  /** As the config names it, without `#key`. */
  readonly path: string;
}

/** The published files that a config names, once each. */
export async function publishedIn(config: Config): Promise<NamedFile[]> {
  const { publishedFile } = await import("../mod.ts");
  const found = new Map<string, NamedFile>();
  for (const { spec } of config.stages) {
    for (const text of textsIn(spec.options)) {
      const path = text.replace(/#[^#/\\]*$/, "");
      const published = publishedFile(path);
      if (published) found.set(path, { ...published, path });
    }
  }
  return [...found.values()];
}

/**
 * Refuses a config that names files of published models which are not here.
 *
 * @throws {UserError} which says what to pull.
 */
export async function checkPublished(config: Config): Promise<void> {
  const missing = (await publishedIn(config)).filter(({ path }) => !isThere(path));
  if (missing.length === 0) return;
  const models = [...new Set(missing.map(({ model }) => model.name))];
  const files = missing.map(({ path }) => path);
  throw new UserError(
    `The pipeline "${config.name}" needs ${files.join(", ")}, which ${
      files.length > 1 ? "are" : "is"
    } not here. To get ${files.length > 1 ? "them" : "it"}: sluice models pull ${models.join(" ")}`,
  );
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(isAbsolute(path) ? path : resolve(path)).isFile;
  } catch (error) {
    // What cannot be looked at is told by whoever opens it.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** Every text in options, at any depth. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) yield* textsIn(each);
  }
}
