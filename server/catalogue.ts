/** Pipelines by name: the files of one folder, read anew each time, since people edit them. */
import { basename, extname, join, resolve } from "@std/path";
import { type Config, describeConfig, loadConfig, parseConfig } from "../pipeline/config.ts";
import { UserError } from "../pipeline/errors.ts";
import { suggestName } from "../pipeline/names.ts";
import type { AnyPlugin } from "../pipeline/plugin.ts";
import { refuseStage } from "./guard.ts";
import { findDiffusion, picturesOf } from "../pipeline/pictures.ts";
import { fieldProblem, pipelineProblem, placesOf, ProblemError } from "./problem.ts";
import type { PipelineView, StageView, ValidationView } from "./wire.ts";

const EXTENSIONS = [".yaml", ".yml", ".json"];

/** What a pipeline may be called; `validate` is an address of the API. */
export const PIPELINE_NAME = /^(?!validate$)[a-z0-9-]{1,64}$/;

/** First line of a pipeline that was saved here; others came with Sluice, or people wrote them. */
const SAVED = "# Saved from the studio, which may write it anew.\n";

/** A folder of pipelines. */
export class Catalogue {
  readonly #folder: string;
  readonly #plugins: readonly AnyPlugin[];
  /** Name of the pipeline that is used where none is named, and its file if it is not of the folder. */
  readonly #default: string;
  readonly #file: string | undefined;

  /** @param standard Name or path of the pipeline that is used where none is named. */
  constructor(
    folder: string,
    plugins: readonly AnyPlugin[],
    standard: string,
  ) {
    this.#folder = folder;
    this.#plugins = plugins;
    const isPath = /[/\\]/.test(standard) || EXTENSIONS.includes(extname(standard));
    this.#default = isPath ? basename(standard, extname(standard)) : standard;
    this.#file = isPath ? resolve(standard) : undefined;
  }

  /** Every pipeline, those that cannot be used with the reason. */
  async list(): Promise<PipelineView[]> {
    const files = await this.#files();
    return await Promise.all([...files].map(([name, path]) => this.#view(name, path)));
  }

  /** @throws {ProblemError} where there is none of that name. */
  async get(name: string): Promise<PipelineView> {
    const path = (await this.#files()).get(name);
    if (path === undefined) {
      throw new ProblemError("not-found", `There is no pipeline of this name.`);
    }
    return await this.#view(name, path);
  }

  /**
   * The pipeline that a request names, or the studio's own.
   *
   * @throws {ProblemError} where there is none, or it cannot be used.
   */
  async load(name = this.#default): Promise<Config> {
    const files = await this.#files();
    const path = files.get(name);
    if (path === undefined) {
      const near = suggestName(name, [...files.keys()]);
      throw fieldProblem("pipeline", `There is no pipeline of this name.${near}`);
    }
    try {
      return { ...await loadConfig(path, { plugins: this.#plugins }), name };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw pipelineProblem("pipeline", error);
    }
  }

  /** What is wrong with a pipeline's text, if anything. */
  async validate(yaml: string): Promise<ValidationView> {
    try {
      return { ok: true, problems: [], stages: stagesOf(await this.#parse(yaml)) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ok: false, problems: placesOf(error) };
    }
  }

  /**
   * Saves a pipeline, over an earlier one of that name unless that came with Sluice.
   *
   * @throws {ProblemError} where the name is taken or the text is wrong.
   */
  async save(name: string, yaml: string): Promise<PipelineView> {
    if (!PIPELINE_NAME.test(name)) {
      throw fieldProblem("name", "Expected 1 to 64 of a-z, 0-9 and -, and not validate.");
    }
    const path = join(this.#folder, `${name}.yaml`);
    const existing = (await this.#files()).get(name);
    if (existing !== undefined && !(await readText(existing)).startsWith(SAVED)) {
      throw fieldProblem(
        "name",
        `"${name}" was not saved from here and is not changed: choose another name.`,
      );
    }
    try {
      await this.#parse(yaml);
    } catch (error) {
      throw error instanceof UserError ? pipelineProblem("yaml", error) : error;
    }
    const draft = join(this.#folder, `.${name}.${crypto.randomUUID().slice(0, 8)}.part`);
    try {
      await Deno.writeTextFile(draft, SAVED + yaml);
      await Deno.rename(draft, path);
    } catch (cause) {
      await Deno.remove(draft).catch(() => {});
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ProblemError("unavailable", `The pipeline could not be written: ${reason}`, {
        cause,
      });
    }
    return await this.#view(name, path);
  }

  /** What is refused is never imported, so that it is not run. */
  async #parse(yaml: string): Promise<Config> {
    const known = await this.#modules();
    const config = await parseConfig(yaml, {
      plugins: this.#plugins,
      file: "pipeline",
      directory: this.#folder,
      refuse: (stage) => refuseStage(stage, known, this.#plugins),
    });
    if (config.stages.length > 32) throw new UserError("A pipeline may have 32 stages at most.");
    return config;
  }

  /** Addresses of modules that files of the folder name already: somebody here wrote them. */
  async #modules(): Promise<ReadonlySet<string>> {
    const known = new Set<string>();
    for (const path of (await this.#files()).values()) {
      const text = await readText(path);
      for (const [, use = ""] of text.matchAll(/\buse["']?:\s*["']?([^\s"',}]+)/g)) known.add(use);
    }
    return known;
  }

  async #view(name: string, path: string): Promise<PipelineView> {
    const text = await readText(path);
    const saved = text.startsWith(SAVED);
    const base = {
      name,
      builtIn: !saved,
      default: name === this.#default,
      yaml: saved ? text.slice(SAVED.length) : text,
    };
    try {
      const config = await loadConfig(path, { plugins: this.#plugins });
      const specs = config.stages.map(({ spec }) => spec);
      const found = findDiffusion(specs);
      const fps = (specs.at(-1)?.options as { fps?: unknown } | undefined)?.fps;
      return {
        ...base,
        ...(config.description !== undefined && { description: config.description }),
        ...(config.device !== undefined && { device: config.device }),
        stages: stagesOf(config),
        frames: found === undefined ? null : picturesOf(found.latents),
        framesPerChunk: found === undefined ? null : found.chunk * 4,
        fps: typeof fps === "number" ? fps : 16,
      };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const rest = { stages: [], frames: null, framesPerChunk: null, fps: 16 };
      return { ...base, ...rest, error: error.message, problems: placesOf(error) };
    }
  }

  /** Paths by names, in the order of names. */
  async #files(): Promise<ReadonlyMap<string, string>> {
    const files: [string, string][] = [];
    try {
      for await (const { name, isFile } of Deno.readDir(this.#folder)) {
        const extension = extname(name);
        if (!isFile || !EXTENSIONS.includes(extension) || name.startsWith(".")) continue;
        files.push([basename(name, extension), join(this.#folder, name)]);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const found = new Map(files);
    if (this.#file !== undefined) found.set(this.#default, this.#file);
    return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
  }
}

/** The text of a file; none where it cannot be read, or has just been deleted. */
async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

function stagesOf(config: Config): StageView[] {
  const { stages } = describeConfig(config);
  return config.stages.map(({ use, spec: { plugin, takes, gives } }, i) => ({
    use,
    plugin: plugin.name,
    takes,
    gives,
    options: stages[i]?.with ?? {},
  }));
}
