/** What `export` does and prints. */
import type { ExportedNetwork } from "../pipeline/export.ts";
import { suggestName } from "../pipeline/names.ts";
import type { App } from "./app.ts";
import { configPath } from "./configs.ts";
import { Interrupted, mistake } from "./failure.ts";
import { oneLine, size } from "./progress.ts";
import { readConfig } from "./reference_config.ts";
import { onLeaving } from "./signals.ts";
import { table } from "./table.ts";

/** What is to be exported. */
export interface ExportRequest {
  /** A network's name, or `all`. */
  readonly network: string;
  /** Folder. */
  readonly out: string;
  /** A name or a path. */
  readonly config: string;
  readonly set: readonly string[];
}

/** Exports networks of a pipeline, stage by stage. */
export async function exportNetworks(
  app: App,
  { network, out, config: named, set }: ExportRequest,
  json: boolean,
): Promise<void> {
  const path = await configPath(app.configs, named);
  const config = await readConfig(path, { plugins: await app.plugins(), set });
  const abort = new AbortController();
  const giveUp = () => abort.abort(new Interrupted("Given up: what is whole is kept."));
  using _listening = onLeaving({ stop: giveUp, abort: giveUp });
  const visit = async (wants: (name: string) => boolean): Promise<ExportedNetwork[]> => {
    const exported: ExportedNetwork[] = [];
    let takes: readonly number[] | undefined;
    for (const { spec: { plugin, options } } of config.stages) {
      const result = await plugin.exportNetworks?.(options, {
        ...{ folder: out, directory: Deno.cwd(), wants, signal: abort.signal },
        ...(takes && { takes }),
      });
      takes = result?.gives;
      exported.push(...result?.networks ?? []);
    }
    return exported;
  };
  const known = new Set<string>();
  await visit((name) => (known.add(name), false));
  if (known.size === 0) {
    throw mistake(`The pipeline "${config.name}" has no networks to export.`);
  }
  if (network !== "all" && !known.has(network)) {
    throw mistake(
      `The pipeline "${config.name}" has no network "${network}".${
        suggestName(network, ["all", ...known])
      }`,
    );
  }
  const made = await makeFolder(out);
  let exported: ExportedNetwork[];
  try {
    exported = await visit((name) => network === "all" || network === name);
  } catch (error) {
    // Goes only where nothing is in it.
    if (made) await Deno.remove(out).catch(() => {});
    throw error;
  }
  if (json) return app.screen.out(JSON.stringify({ networks: exported }, undefined, 2));
  for (const { path, data, bytes, inputs, outputs } of exported) {
    app.screen.out(`${oneLine(path)}${data ? ` and ${oneLine(data)}` : ""}: ${size(bytes)}`);
    const rows = [
      ...inputs.map((value) => ["takes", value] as const),
      ...outputs.map((value) => ["gives", value] as const),
    ].map(([way, { name, dtype, shape }]) => [way, name, dtype, `[${shape.join(", ")}]`]);
    for (const line of table(rows)) app.screen.out(`  ${line}`);
  }
}

/** Whether the folder was not there before. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    if (await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false)) return false;
    await Deno.mkdir(path, { recursive: true });
    return true;
  } catch (error) {
    throw mistake(`--out: cannot make the folder ${path}: ${(error as Error).message}`);
  }
}
