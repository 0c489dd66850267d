/** Which published models a pipeline names files of. Cheap to import. */
import { resolve } from "@std/path";
import type { ModelFile, PublishedModel } from "../engine/weights/mod.ts";
import { publishedFile } from "../engine/weights/registry.ts";
import { UserError } from "../pipeline/errors.ts";
import type { StageSpec } from "../pipeline/plugin.ts";

/** A file that a pipeline names and a published model has. */
export interface NamedFile {
  /** The model that has it. */
  readonly model: PublishedModel;
  /** What is known of it. */
  readonly file: ModelFile;
  /** As the pipeline names it, without `#key`. */
  readonly path: string;
}

/** The published files that a pipeline's options name, at any depth, once each. */
export function publishedIn(stages: readonly StageSpec[]): NamedFile[] {
  const found = new Map<string, NamedFile>();
  for (const { options } of stages) {
    for (const text of textsIn(options)) {
      const path = text.replace(/#[^#/\\]*$/, "");
      const published = publishedFile(path);
      if (published) found.set(path, { ...published, path });
    }
  }
  return [...found.values()];
}

/**
 * Refuses a pipeline that names files of published models which are not here.
 *
 * @param name the pipeline's, for the message
 * @param directory folder that relative paths start from; by default the current one
 * @throws {UserError} which says what to pull.
 */
export function checkPublished(
  name: string,
  stages: readonly StageSpec[],
  directory = ".",
): void {
  const missing = publishedIn(stages).filter(({ path }) => !isThere(resolve(directory, path)));
  if (missing.length === 0) return;
  const models = [...new Set(missing.map(({ model }) => model.name))];
  const files = missing.map(({ path }) => path);
  throw new UserError(
    `The pipeline "${name}" needs ${files.join(", ")}, which ${
      files.length > 1 ? "are" : "is"
    } not here. To get ${files.length > 1 ? "them" : "it"}: sluice models pull ${models.join(" ")}`,
  );
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
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
