/** What `pipeline` prints. */
import { type Config, describeConfig } from "../pipeline/config.ts";
import { configSchema } from "../pipeline/schema.ts";
import { formatTime } from "../pipeline/timeline.ts";
import type { App } from "./app.ts";
import { configPath, namedConfigs } from "./configs.ts";
import { failureOf } from "./failure.ts";
import { showValue } from "./flags.ts";
import { readConfig } from "./reference_config.ts";
import { table } from "./table.ts";

/** Prints the named configs; one that cannot be used is listed with its error. */
export async function list(app: App, json: boolean): Promise<void> {
  const plugins = await app.plugins();
  const rows = await Promise.all((await namedConfigs(app.configs)).map(async ({ name, path }) => {
    try {
      const { description = "", stages } = await readConfig(path, { plugins });
      return { name, path, description, stages: stages.map(({ use }) => use) };
    } catch (error) {
      return { name, path, error: failureOf(error).message };
    }
  }));
  if (json) return app.screen.out(JSON.stringify(rows, undefined, 2));
  const lines = rows.map((row): [string, string] => [
    row.name,
    row.error === undefined ? row.description : `cannot be used: ${firstLine(row.error)}`,
  ]);
  for (const line of table(lines)) app.screen.out(line);
}

/** Of several problems their count; `validate` tells them all. */
function firstLine(message: string): string {
  return message.split("\n")[0]!.replace(/:$/, ", which validate tells of");
}

/** Checks every config and tells of each; the exit code is that of the first that failed. */
export async function validate(
  app: App,
  configs: readonly string[],
  json: boolean,
): Promise<void> {
  const plugins = await app.plugins();
  const results: unknown[] = [];
  for (const config of configs) {
    try {
      const { name, stages } = await readConfig(await configPath(app.configs, config), { plugins });
      const uses = stages.map(({ use }) => use);
      results.push({ config, name, stages: uses });
      if (!json) app.screen.out(`${config}: fine: ${uses.join(" → ")}`);
    } catch (error) {
      const failure = failureOf(error);
      app.exitCode ||= failure.code;
      results.push({ config, error: failure });
      if (!json) app.screen.err(`${failure.message}\n`);
    }
  }
  if (json) app.screen.out(JSON.stringify(results, undefined, 2));
}

/** Prints a config's stages with kinds and with every option in effect. */
export async function describe(
  app: App,
  name: string,
  set: readonly string[],
  json: boolean,
): Promise<void> {
  const path = await configPath(app.configs, name);
  const config = await readConfig(path, { plugins: await app.plugins(), set });
  const page = pageOf(config);
  if (json) return app.screen.out(JSON.stringify(page, undefined, 2));
  app.screen.out(`${page.name}${page.description ? `: ${page.description}` : ""}`);
  if (page.device !== undefined) app.screen.out(`device ${page.device}`);
  for (const { at, prompt } of page.timeline ?? []) {
    app.screen.out(`from ${formatTime(at)} on: ${prompt}`);
  }
  for (const { use, takes, gives, with: options } of page.stages) {
    app.screen.out(`\n${use}: ${takes} → ${gives}`);
    const rows = Object.entries(options).map(([key, value]): [string, string] => [
      key,
      showValue(value),
    ]);
    for (const line of table(rows)) app.screen.out(`  ${line}`);
  }
}

function pageOf(config: Config) {
  const data = describeConfig(config);
  return {
    ...data,
    stages: config.stages.map(({ use, spec: { takes, gives } }, i) => ({
      use,
      takes,
      gives,
      with: data.stages[i]?.with ?? {},
    })),
  };
}

/** Prints the JSON Schema of configs. */
export async function schema(app: App): Promise<void> {
  app.screen.out(JSON.stringify(configSchema(await app.plugins()), undefined, 2));
}
