import { dirname, resolve } from "@std/path";
import { Document, isScalar, visit } from "yaml";
import { ConfigDocument, describe } from "./_document.ts";
import { isRecord, spellOptions } from "./_options.ts";
import { applyOverride } from "./_override.ts";
import { chooseOptions, OptionsError } from "./define.ts";
import { ConfigError, UserError } from "./errors.ts";
import { suggestName } from "./names.ts";
import { findMismatch, joinStages } from "./pipe.ts";
import type { AnyPlugin, StageSpec } from "./plugin.ts";
import { findPlugin } from "./registry.ts";
import type { Pipeline } from "./run.ts";

/** A pipeline as a file declares it, checked. */
export interface Config {
  /** Name of the pipeline. */
  readonly name: string;
  /** What it is for, in a line. */
  readonly description: string | undefined;
  /** Default for opening the pipeline. */
  readonly device: string | undefined;
  /** Where it was read from, as it was named. */
  readonly file: string;
  /** In the order data flows. */
  readonly stages: readonly ConfigStage[];
}

/** One stage of a config. */
export interface ConfigStage {
  /** As the file names it: a plugin's name, or a module's address. */
  readonly use: string;
  /** Its plugin with validated options. */
  readonly spec: StageSpec;
}

/** A config as plain data, in the spelling of files and with every option in effect. */
export interface ConfigData {
  /** Name of the pipeline. */
  readonly name: string;
  /** What it is for, in a line. */
  readonly description?: string;
  /** Default for opening the pipeline. */
  readonly device?: string;
  /** In the order data flows; keys of options in kebab-case. */
  readonly stages: readonly { readonly use: string; readonly with?: Record<string, unknown> }[];
}

/** How a config is read. */
export interface LoadOptions {
  /** Known by their names. */
  readonly plugins: readonly AnyPlugin[];
  /**
   * Overrides, `stage.option=value`: the stage by its plugin's name, or by its place from 0; the
   * value as YAML writes it. `name`, `description` and `device` stand alone.
   */
  readonly set?: readonly string[];
}

/** How a config's text is read. */
export interface ParseOptions extends LoadOptions {
  /** Name of the text in errors. */
  readonly file: string;
  /** Folder that `./file.ts` plugins start from. Default: the current one. */
  readonly directory?: string;
}

/**
 * Reads a config, YAML or JSON.
 *
 * @throws {ConfigError} which names file, line, column and key, says what was expected, and suggests
 * the nearest known name.
 */
export async function loadConfig(path: string, options: LoadOptions): Promise<Config> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such file."
      : `the file could not be read: ${cause instanceof Error ? cause.message : cause}`;
    throw new ConfigError(reason, { file: path, key: "" }, { cause });
  }
  return parseConfig(text, { ...options, file: path, directory: dirname(resolve(path)) });
}

/** Reads a config from its text, as `loadConfig` does from a file. */
export async function parseConfig(text: string, options: ParseOptions): Promise<Config> {
  const { plugins, set = [], file, directory = Deno.cwd() } = options;
  const document = new ConfigDocument(text, file);
  checkStructure(document);
  const uses = stagesOf(document).map(({ use }) => use as string);
  const found = await Promise.all(uses.map(async (use, i) => {
    try {
      return await findPlugin(use, { plugins, directory });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw document.error(["stages", i, "use"], error.message, "value", error);
    }
  }));
  for (const each of set) applyOverride(document, each, found.map(({ name }) => name));
  checkStructure(document);
  const stages = stagesOf(document).map((stage, i) => ({
    use: stage.use as string,
    spec: chooseStage(document, i, found[i] as AnyPlugin, stage.with ?? {}),
  }));
  checkKinds(document, stages.map(({ spec }) => spec), plugins);
  const { name, description, device } = document.value;
  return {
    name: name as string,
    description: description as string | undefined,
    device: device as string | undefined,
    file,
    stages,
  };
}

/** The pipeline that a config declares, opened on the config's device unless told otherwise. */
export function configToPipeline(config: Config): Pipeline {
  const specs = config.stages.map(({ spec }) => spec);
  return joinStages(specs, config.device === undefined ? {} : { device: config.device });
}

/** The config as plain data with every option in effect; it loads again as the same pipeline. */
export function describeConfig(config: Config): ConfigData {
  const { name, description, device, stages } = config;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(device === undefined ? {} : { device }),
    stages: stages.map(({ use, spec }) => {
      const options = spellOptions(spec.plugin.options, spec.options);
      return Object.keys(options).length === 0 ? { use } : { use, with: options };
    }),
  };
}

/** The config as YAML with every option in effect. */
export function formatConfig(config: Config): string {
  const document = new Document(describeConfig(config), { aliasDuplicateObjects: false });
  visit(document, {
    Seq(_, list) {
      if (list.items.every((item) => isScalar(item))) list.flow = true;
    },
  });
  return document.toString({ lineWidth: 100 });
}

const KEYS = ["name", "description", "device", "stages", "$schema"];
const STAGE_KEYS = ["use", "with"];

function stagesOf(document: ConfigDocument): readonly Record<string, unknown>[] {
  return document.value.stages as Record<string, unknown>[];
}

/** Checks all but what plugins know: keys and their types. */
function checkStructure(document: ConfigDocument): void {
  const { value } = document;
  checkKeys(document, [], value, KEYS);
  checkText(document, ["name"], value.name, true);
  for (const key of ["description", "device", "$schema"]) {
    checkText(document, [key], value[key], false);
  }
  const { stages } = value;
  if (stages === undefined) {
    throw document.error([], `the key "stages" is missing: expected a list.`);
  }
  if (!Array.isArray(stages)) {
    throw document.error(["stages"], `expected a list of stages, got ${describe(stages)}.`);
  }
  if (stages.length === 0) {
    throw document.error(["stages"], "expected at least one stage, got none.");
  }
  for (const [i, stage] of stages.entries()) {
    const path = ["stages", i];
    if (!isRecord(stage)) {
      const hint = typeof stage === "string" ? ` Write "use: ${stage}".` : "";
      throw document.error(path, `expected a mapping with use, got ${describe(stage)}.${hint}`);
    }
    checkKeys(document, path, stage, STAGE_KEYS);
    checkText(document, [...path, "use"], stage.use, true);
    const options = stage.with ?? {};
    if (!isRecord(options)) {
      throw document.error(
        [...path, "with"],
        `expected a mapping of options, got ${describe(options)}.`,
      );
    }
  }
}

function checkKeys(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  value: Record<string, unknown>,
  known: readonly string[],
): void {
  const key = Object.keys(value).find((each) => !known.includes(each));
  if (key === undefined) return;
  const shown = known.filter((each) => !each.startsWith("$"));
  throw document.error([...path, key], `there is no such key.${suggestName(key, shown)}`, "key");
}

function checkText(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  value: unknown,
  required: boolean,
): void {
  if (value === undefined && !required) return;
  if (typeof value === "string" && value !== "") return;
  if (value === undefined) {
    const message = `the key "${String(path.at(-1))}" is missing: expected a string.`;
    throw document.error(path.slice(0, -1), message);
  }
  throw document.error(
    path,
    `expected a string, got ${value === "" ? "an empty one" : describe(value)}.`,
  );
}

function chooseStage(
  document: ConfigDocument,
  index: number,
  plugin: AnyPlugin,
  options: unknown,
): StageSpec {
  try {
    return chooseOptions(plugin, options, true);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const errors = error.problems.map(({ path, reason, unknown }) =>
      document.error(["stages", index, "with", ...path], reason, unknown ? "key" : "value", error)
    );
    throw errors.reduce((a, b) => (b.line ?? 0) < (a.line ?? 0) ? b : a);
  }
}

function checkKinds(
  document: ConfigDocument,
  specs: readonly StageSpec[],
  plugins: readonly AnyPlugin[],
): void {
  const mismatch = findMismatch(specs);
  if (mismatch === undefined) return;
  const { index, message } = mismatch;
  const between = plugins.filter(({ takes, gives }) =>
    takes === specs[index - 1]?.gives && gives === specs[index]?.takes
  ).map(({ name }) => `"${name}"`);
  const hint = between.length === 0 ? "" : ` Between them fits ${between.join(" or ")}.`;
  throw document.error(["stages", index, "use"], message + hint);
}
