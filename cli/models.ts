/** What `models list`, `verify` and `remove` print. */
import type { KeptFile, PublishedModel } from "../mod.ts";
import { suggestName } from "../pipeline/names.ts";
import type { App } from "./app.ts";
import { FAILURE, mistake } from "./failure.ts";
import { size } from "./progress.ts";
import { table } from "./table.ts";

/** The published models of these names. */
export async function modelsNamed(names: readonly string[]): Promise<PublishedModel[]> {
  const { publishedModels } = await import("../mod.ts");
  return [...new Set(names)].map((name) => {
    const model = publishedModels.find((each) => each.name === name);
    if (model) return model;
    const known = publishedModels.map((each) => each.name);
    throw mistake(
      `There is no model "${name}".${suggestName(name, known)} See: sluice models list`,
    );
  });
}

/** The sizes of a model's files together, in words; the hub alone knows some. */
export function sizeOfModel({ files }: PublishedModel): string {
  const known = files.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  if (files.every(({ bytes }) => bytes !== undefined)) return size(known);
  return known === 0 ? "size unknown" : `more than ${size(known)}`;
}

function stateOf(files: readonly KeptFile[]): "here" | "begun" | "—" {
  if (files.every(({ state }) => state === "there")) return "here";
  return files.some(({ state }) => state !== "missing") ? "begun" : "—";
}

/** Prints every model with its size, licence and whether it is here. */
export async function list(app: App, folder: string, json: boolean): Promise<void> {
  const { findModel, publishedModels } = await import("../mod.ts");
  const rows = await Promise.all(publishedModels.map(async (model) => {
    const files = await findModel(model, folder);
    return { model, files, state: stateOf(files) };
  }));
  if (json) {
    const plain = rows.map(({ model, files, state }) => ({
      ...model,
      state: state === "—" ? "missing" : state,
      files: files.map(({ file, path, state, bytes }) => ({
        ...file,
        place: path,
        state,
        bytesHere: bytes,
      })),
    }));
    return app.screen.out(JSON.stringify(plain, undefined, 2));
  }
  const lines = table(rows.map(({ model, files, state }) => [
    model.name,
    state === "here" ? size(files.reduce((sum, { bytes }) => sum + bytes, 0)) : sizeOfModel(model),
    state,
    model.licence,
    model.summary,
  ]));
  for (const line of lines) app.screen.out(line);
}

/** Compares models with their checksums: those that are named, or all that are here. */
export async function verify(
  app: App,
  names: readonly string[],
  folder: string,
  json: boolean,
): Promise<void> {
  const { findModel, publishedModels, verifyModel } = await import("../mod.ts");
  const results: unknown[] = [];
  let looked = 0;
  for (const model of names.length > 0 ? await modelsNamed(names) : publishedModels) {
    const here = (await findModel(model, folder)).some(({ state }) => state === "there");
    if (names.length === 0 && !here) continue;
    for (const { file, path, state, detail } of await verifyModel(model, folder)) {
      looked++;
      results.push({ model: model.name, file: file.path, path, state, detail });
      if (state === "damaged" || state === "missing") app.exitCode = FAILURE;
      const hint = state === "damaged"
        ? `: sluice models pull ${model.name} --restart`
        : state === "missing"
        ? `: sluice models pull ${model.name}`
        : "";
      if (!json) app.screen.out(`${path}: ${state}, ${detail}${hint}`);
    }
  }
  if (json) app.screen.out(JSON.stringify(results, undefined, 2));
  else if (looked === 0) app.screen.out(`No models are in ${folder}.`);
}

/** Removes models. */
export async function remove(
  app: App,
  names: readonly string[],
  folder: string,
  json: boolean,
): Promise<void> {
  const { removeModel } = await import("../mod.ts");
  const results = [];
  for (const model of await modelsNamed(names)) {
    const bytes = await removeModel(model, folder);
    results.push({ model: model.name, bytes });
    if (json) continue;
    app.screen.out(bytes > 0 ? `${model.name}: ${size(bytes)} freed` : `${model.name}: not here`);
  }
  if (json) app.screen.out(JSON.stringify(results, undefined, 2));
}
