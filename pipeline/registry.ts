import { isAbsolute, resolve, toFileUrl } from "@std/path";
import { UserError } from "./errors.ts";
import { suggestName } from "./names.ts";
import type { AnyPlugin } from "./plugin.ts";

/** Where plugins are looked for. */
export interface PluginSources {
  /** Known by their names. */
  readonly plugins: readonly AnyPlugin[];
  /** Folder that `./file.ts` starts from. */
  readonly directory: string;
}

/** What names a module rather than a built-in plugin. */
export const MODULE_ADDRESS = /^(\.\.?\/|\/|[A-Za-z]:[\\/]|file:|npm:|jsr:|https?:)/;

/**
 * The plugin that a config's `use` names: a built-in by its name, or the default export of a module
 * at `./file.ts`, `npm:package` or `https://…`. Importing a module runs its code; Deno asks for
 * `--allow-import` where that is remote.
 *
 * @throws {UserError} where there is none; it says what was looked for and what to do.
 */
export async function findPlugin(use: string, sources: PluginSources): Promise<AnyPlugin> {
  const known = sources.plugins.find(({ name }) => name === use);
  if (known !== undefined) return known;
  if (!MODULE_ADDRESS.test(use)) {
    throw new UserError(
      `there is no plugin "${use}".${suggestName(use, sources.plugins.map(({ name }) => name))} ` +
        `A module of your own is named by ./file.ts, npm:package or https://….`,
    );
  }
  if (use.startsWith("http:")) {
    throw new UserError(`the plugin "${use}" is not loaded over plain http: use https.`);
  }
  const module = await importModule(use, sources.directory);
  if (!isPlugin(module.default)) {
    const names = Object.keys(module).join(", ") || "nothing";
    throw new UserError(
      `the module "${use}" is no plugin: expected a default export made by definePlugin, ` +
        (module.default === undefined ? `got exports named ${names}.` : "got something else."),
    );
  }
  return module.default;
}

async function importModule(use: string, directory: string): Promise<{ default?: unknown }> {
  const local = use.startsWith(".") || isAbsolute(use);
  const address = local ? toFileUrl(resolve(directory, use)).href : use;
  try {
    return await import(address);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    // Deno's own refusals name the flag that allows what was refused.
    throw new UserError(
      `the module "${use}" could not be imported: ${reason.trim()}` +
        (local && reason.startsWith("Module not found")
          ? ` Paths start from the folder of the config, ${directory}.`
          : ""),
      { cause },
    );
  }
}

/** Whether `value` has what `definePlugin` gives, whichever copy of this library made it. */
export function isPlugin(value: unknown): value is AnyPlugin {
  if (typeof value !== "function") return false;
  const { name, takes, gives, options, create } = value as unknown as Record<string, unknown>;
  return [name, takes, gives].every((each) => typeof each === "string" && each !== "") &&
    typeof create === "function" &&
    typeof (options as { safeParse?: unknown } | undefined)?.safeParse === "function";
}
