/** Configs by name: the files of one folder. */
import { basename, extname, fromFileUrl, join } from "@std/path";
import { suggestName } from "../pipeline/names.ts";
import { mistake } from "./failure.ts";

const EXTENSIONS = [".yaml", ".yml", ".json"];

/** A config that has a name. */
export interface NamedConfig {
  readonly name: string;
  readonly path: string;
}

/** The configs of a folder, by name. */
export async function namedConfigs(folder: URL): Promise<NamedConfig[]> {
  const path = fromFileUrl(folder);
  const configs: NamedConfig[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(path)) {
      const extension = extname(name);
      if (!isFile || !EXTENSIONS.includes(extension)) continue;
      configs.push({ name: basename(name, extension), path: join(path, name) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return configs.sort((a, b) => a.name < b.name ? -1 : 1);
}

/**
 * The file of a config: what has a slash or the extension of a config is a path, the rest is a name.
 *
 * @throws {ValidationError} where no config has that name; it suggests the nearest.
 */
export async function configPath(folder: URL, config: string): Promise<string> {
  if (/[/\\]/.test(config) || EXTENSIONS.includes(extname(config))) return config;
  const configs = await namedConfigs(folder);
  const found = configs.find(({ name }) => name === config);
  if (found) return found.path;
  const names = configs.map(({ name }) => name);
  throw mistake(
    `There is no config "${config}".${suggestName(config, names)} ` +
      "A file of your own is named by its path, such as ./my.yaml.",
  );
}
