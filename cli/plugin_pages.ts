/** What `plugins` prints. */
import type { AnyPlugin } from "../pipeline/plugin.ts";
import { findPlugin } from "../pipeline/registry.ts";
import type { App } from "./app.ts";
import { type OptionInfo, optionsOf, showValue } from "./flags.ts";
import { paragraph, table } from "./table.ts";

/** Prints the plugins that configs know by name. */
export async function list(app: App, json: boolean): Promise<void> {
  const plugins = await app.plugins();
  if (json) return app.screen.out(JSON.stringify(plugins.map(headOf), undefined, 2));
  const rows = plugins.map((plugin): string[] => [
    plugin.name,
    `${plugin.takes} → ${plugin.gives}`,
    plugin.summary,
  ]);
  for (const line of table(rows)) app.screen.out(line);
}

/** Prints a plugin's page; a plugin that has no name here is imported as a module. */
export async function show(app: App, name: string, json: boolean): Promise<void> {
  const sources = { plugins: await app.plugins(), directory: Deno.cwd() };
  const plugin = await findPlugin(name, sources);
  const options = optionsOf(plugin);
  if (json) {
    return app.screen.out(JSON.stringify({ ...headOf(plugin), options }, undefined, 2));
  }
  const { columns } = app.screen.size();
  app.screen.out(`${plugin.name}: ${plugin.takes} → ${plugin.gives}\n${plugin.summary}`);
  for (const option of options) {
    app.screen.out(`\n  ${headline(option)}`);
    for (const line of paragraph(option.description, columns - 4)) app.screen.out(`    ${line}`);
  }
}

function headOf({ name, summary, takes, gives }: AnyPlugin) {
  return { name, takes, gives, summary };
}

function headline(option: OptionInfo): string {
  const end = option.default === undefined ? "" : ` = ${showValue(option.default)}`;
  return `${option.name}: ${option.type}${end}`;
}
