/** Published models by name: listing, pulling, checking and removing them. Cheap to import. */

import type {
  CheckedFile,
  KeptFile,
  PlannedFile,
  PublishedModel,
  PullOptions,
} from "../engine/weights/mod.ts";
import { publishedFile, publishedModels } from "../engine/weights/registry.ts";
import { mendingDownloads } from "./_downloads.ts";

export type {
  CheckedFile,
  HubEnvironment,
  KeptFile,
  ModelFile,
  PlannedFile,
  PublishedModel,
  PullEvent,
  PullOptions,
  RemoteFile,
} from "../engine/weights/mod.ts";
export { publishedFile, publishedModels };

/** The variables that the Hugging Face Hub's tools know, of those that are set and may be read. */
export async function hubEnvironment(): Promise<Record<string, string>> {
  const { hubVariables } = await import("../engine/weights/mod.ts");
  return Object.fromEntries(hubVariables.flatMap((variable) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}

/** What pulling models would do: which files are there, and what is known of the others. */
export async function planPull(
  models: readonly PublishedModel[],
  options: PullOptions,
): Promise<PlannedFile[]> {
  const weights = await import("../engine/weights/mod.ts");
  return await mendingDownloads(() => weights.planPull(models, options));
}

/** Fetches what a plan lacks. What has come stays when it fails; the same plan made anew goes on from there. */
export async function pullModels(
  plan: readonly PlannedFile[],
  options: PullOptions,
): Promise<void> {
  const { pull } = await import("../engine/weights/mod.ts");
  await mendingDownloads(() => pull(plan, options));
}

/** Which of a model's files are in the folder of models. */
export async function findModel(model: PublishedModel, folder: string): Promise<KeptFile[]> {
  const weights = await import("../engine/weights/mod.ts");
  return await weights.findModel(model, folder);
}

/** Reads a model's files and compares them with their checksums. */
export async function verifyModel(
  model: PublishedModel,
  folder: string,
  options: { readonly signal?: AbortSignal; readonly onBytes?: (count: number) => void } = {},
): Promise<CheckedFile[]> {
  const weights = await import("../engine/weights/mod.ts");
  return await weights.verifyModel(model, folder, options);
}

/** Removes a model's files. Returns the bytes that are free now. */
export async function removeModel(model: PublishedModel, folder: string): Promise<number> {
  const weights = await import("../engine/weights/mod.ts");
  return await weights.removeModel(model, folder);
}
