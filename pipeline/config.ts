import { dirname, resolve } from "@std/path";
import { Document, isScalar, visit } from "yaml";
import { ConfigDocument } from "./_document.ts";
import { isRecord, spellOptions } from "./_options.ts";
import { applyOverride } from "./_override.ts";
import { readTimeline } from "./_timeline.ts";
import { checkHead, checkStructure, isMisspelt, STAGE_KEYS, stagesOf } from "./_structure.ts";
import { chooseOptions, OptionsError } from "./define.ts";
import { ConfigError, UserError } from "./errors.ts";
import { joinStages, mismatchOf } from "./pipe.ts";
import type { AnyPlugin, StageSpec } from "./plugin.ts";
import { findPlugin } from "./registry.ts";
import type { Pipeline } from "./run.ts";
import type { TimelineEntry } from "./timeline.ts";

/** A pipeline as a file declares it, checked. */
export interface Config {
  /** Name of the pipeline. */
  readonly name: string;
  /** What it is for, in a line. */
  readonly description: string | undefined;
  /** Default for opening the pipeline. */
  readonly device: string | undefined;
  /** Prompts that take the place of a run's own in the course of the video, earliest first. */
  readonly timeline: readonly TimelineEntry[];
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
  /** Prompts that take the place of a run's own, at seconds of the video. */
  readonly timeline?: readonly TimelineEntry[];
  /** In the order data flows; keys of options in kebab-case. */
  readonly stages: readonly { readonly use: string; readonly with?: Record<string, unknown> }[];
}

/** How a config is read. */
export interface LoadOptions {
  /** Known by their names. */
  readonly plugins: readonly AnyPlugin[];
  /**
   * Overrides, `stage.option=value`: the stage by its plugin's name, or by its place from 0; the
   * value as YAML writes it. `name`, `description`, `device` and `timeline` stand alone.
   */
  readonly set?: readonly string[];
}

/** How a config's text is read. */
export interface ParseOptions extends LoadOptions {
  /** Name of the text in errors. */
  readonly file: string;
  /** Folder that `./file.ts` plugins start from. Default: the current one. */
  readonly directory?: string;
  /**
   * What may not stand in a stage, beside what is wrong anyway; each stage as it is written is given.
   * A stage with such a problem is not made, nor its module imported. Default: nothing.
   */
  readonly refuse?: (stage: Readonly<Record<string, unknown>>) => readonly StageProblem[];
}

/** What may not stand in a stage. */
export interface StageProblem {
  /** Keys from the stage on, such as `["with", "path"]`. */
  readonly path: readonly PropertyKey[];
  /** A sentence without the place. */
  readonly reason: string;
}

/**
 * Reads a config, YAML or JSON.
 *
 * @throws {ConfigError} which tells of everything that is wrong, but for what may only follow from
 * something told: file, line, column and key, what was expected, and the nearest known name.
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
  const { plugins, set = [], file } = options;
  const document = new ConfigDocument(text, file);
  checkStructure(document);
  const found = await Promise.all(
    stagesOf(document).map((stage, i) => findStage(document, i, stage, options)),
  );
  for (const each of set) document.attempt(() => applyOverride(document, each, found));
  if (set.length > 0) checkHead(document);
  const timeline = readTimeline(document) ?? [];
  const specs = stagesOf(document).map((stage, i) => chooseStage(document, i, found[i], stage));
  checkKinds(document, found, plugins);
  document.throwProblems();
  const { name, description, device } = document.value;
  return {
    name: name as string,
    description: description as string | undefined,
    device: device as string | undefined,
    timeline,
    file,
    stages: stagesOf(document).map((stage, i) => ({
      use: (stage as { readonly use: string }).use,
      spec: specs[i] as StageSpec,
    })),
  };
}

/** The pipeline that a config declares, opened on the config's device unless told otherwise. */
export function configToPipeline(config: Config): Pipeline {
  const specs = config.stages.map(({ spec }) => spec);
  return joinStages(specs, config.device === undefined ? {} : { device: config.device });
}

/** The config as plain data with every option in effect; it loads again as the same pipeline. */
export function describeConfig(config: Config): ConfigData {
  const { name, description, device, timeline, stages } = config;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(device === undefined ? {} : { device }),
    ...(timeline.length === 0 ? {} : { timeline }),
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

/** The plugin that a stage names; undefined where it may not stand here, or there is none. */
async function findStage(
  document: ConfigDocument,
  index: number,
  stage: unknown,
  { plugins, directory = Deno.cwd(), refuse }: ParseOptions,
): Promise<AnyPlugin | undefined> {
  if (!isRecord(stage)) return undefined;
  const refused = refuse?.(stage) ?? [];
  for (const { path, reason } of refused) document.report(["stages", index, ...path], reason);
  const { use } = stage;
  if (refused.length > 0 || typeof use !== "string" || use === "") return undefined;
  try {
    return await findPlugin(use, { plugins, directory });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    document.report(["stages", index, "use"], error.message, "value", error);
  }
}

/** The stage with its options; undefined where those cannot be told or are wrong. */
function chooseStage(
  document: ConfigDocument,
  index: number,
  plugin: AnyPlugin | undefined,
  stage: unknown,
): StageSpec | undefined {
  if (plugin === undefined || !isRecord(stage)) return undefined;
  if (stage.with === undefined && isMisspelt("with", stage, STAGE_KEYS)) return undefined;
  const options = stage.with ?? {};
  if (!isRecord(options)) return undefined;
  try {
    return chooseOptions(plugin, options, true);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    for (const { path, reason, unknown } of error.problems) {
      const about = unknown ? "key" : "value";
      document.report(["stages", index, "with", ...path], reason, about, error);
    }
  }
}

/** Tells of neighbours that do not fit; of several in a row only the first, which may cause the others. */
function checkKinds(
  document: ConfigDocument,
  found: readonly (AnyPlugin | undefined)[],
  plugins: readonly AnyPlugin[],
): void {
  let before = false;
  for (const [i, plugin] of found.entries()) {
    const last = found[i - 1];
    const message = last && plugin && mismatchOf(last, plugin);
    if (message !== undefined && !before) {
      const between = plugins.filter(({ takes, gives }) =>
        takes === last?.gives && gives === plugin?.takes
      ).map(({ name }) => `"${name}"`);
      const hint = between.length === 0 ? "" : ` Between them fits ${between.join(" or ")}.`;
      document.report(["stages", i, "use"], message + hint);
    }
    before = message !== undefined;
  }
}
