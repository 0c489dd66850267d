/** The studio: everything the API and the pages do, without HTTP. */
import { join, resolve } from "@std/path";
import { joinStages } from "../pipeline/pipe.ts";
import type { DataKinds } from "../pipeline/data.ts";
import type { AnyPlugin } from "../pipeline/plugin.ts";
import { optionsSchema } from "../pipeline/schema.ts";
import { Catalogue } from "./catalogue.ts";
import { checkPlan, type Machine, memoryOf } from "./checks.ts";
import { Engine } from "./engine.ts";
import { execute, type Workshop } from "./execute.ts";
import { Gallery } from "./gallery.ts";
import { openingOf, type OpeningSources } from "./opening.ts";
import { planRun } from "./plan.ts";
import { ProblemError } from "./problem.ts";
import { StudioRun } from "./run.ts";
import { StageCache } from "./stage_cache.ts";
import { Uploads } from "./uploads.ts";
import type {
  CreateRun,
  HealthView,
  PatchRun,
  PipelineView,
  PluginView,
  RunsPage,
  RunView,
  ValidationView,
} from "./wire.ts";

/** How a studio is set up. */
export interface StudioOptions {
  /** Folder of finished runs; made where it is missing. Default: `out/gallery`. */
  readonly gallery?: string;
  /** Folder of pipelines by name. Default: the repository's `configs/`. */
  readonly configs?: string;
  /** Name or file of the pipeline that is loaded first and used where a request names none. */
  readonly pipeline?: string;
  /** `cpu`, `webgpu`, `cuda` or `cuda:n`. Default: what the pipeline says, else `cpu`. */
  readonly device?: string;
  readonly threads?: number;
  /** Bytes of memory that a run may need. Default: what the machine has. */
  readonly memory?: number;
  /** Whether runs begin even if the memory plan says that they do not fit. Default: false. */
  readonly overcommit?: boolean;
  /** Runs that may wait, from 1. Default: 16. */
  readonly queue?: number;
  /** Name or address the server listens on; other than loopback needs a token. */
  readonly host?: string;
  /** What a client must show (`?token=`, cookie or `Authorization: Bearer`); absent: none is asked. */
  readonly token?: string;
  /** Told what the user should know that is no error. */
  readonly warn?: (message: string) => void;
  /** Known to pipelines by their names. Default: the built-in ones. */
  readonly plugins?: readonly AnyPlugin[];
}

/** Runs that are over and in no gallery, and such as listeners may still ask for, at most. */
const RECENT = 32;

/** Folder of uploads, in the gallery's, which no other studio uses. */
const UPLOADS = ".uploads";

/** Extensions that are worked on at a time. */
const EXTENSIONS = 4;

/** Milliseconds that the extension of a prompt may take. */
const EXTEND_LIMIT = 120_000;

/** Runs, gallery and pipelines. Methods throw `ProblemError` for what a client did wrong. */
export class Studio implements AsyncDisposable {
  readonly options: StudioOptions;
  /** Pictures and clips that runs may begin with. */
  readonly uploads: Uploads;
  readonly #plugins: readonly AnyPlugin[];
  readonly #catalogue: Catalogue;
  readonly #workshop: Workshop;
  readonly #machine: Machine;
  readonly #engine: Engine;
  readonly #waiting: StudioRun[] = [];
  /** Runs that wait, go on or are over not long, by id, oldest first. */
  readonly #runs = new Map<string, StudioRun>();
  readonly #closing = new AbortController();
  /** Settled while the device is free. */
  #work: Promise<void> = Promise.resolve();
  #current: StudioRun | undefined;
  #working = false;
  #extending = 0;
  #closed: Promise<void> | undefined;

  private constructor(
    options: StudioOptions,
    plugins: readonly AnyPlugin[],
    { gallery, uploads }: OpeningSources,
  ) {
    this.options = options;
    this.uploads = uploads;
    this.#plugins = plugins;
    const configs = options.configs ?? new URL("../configs/", import.meta.url).pathname;
    this.#catalogue = new Catalogue(configs, plugins, options.pipeline ?? "embedded");
    this.#workshop = {
      gallery,
      stages: new StageCache({ memoryOf: (devices) => memoryOf(devices, options.memory) }),
      device: options.device,
      threads: options.threads,
      directory: Deno.cwd(),
      warn: options.warn ?? (() => {}),
    };
    const { device, memory, overcommit = false } = options;
    this.#machine = { device, memory, overcommit, directory: this.#workshop.directory };
    this.#engine = new Engine(this.#workshop);
  }

  /** Cleans the gallery of what was half-written, begins to load the pipeline, and returns at once. */
  static async open(options: StudioOptions = {}): Promise<Studio> {
    const plugins = options.plugins ?? (await import("../mod.ts")).plugins;
    const gallery = await Gallery.open(resolve(options.gallery ?? "out/gallery"), options.warn);
    const uploads = await Uploads.open(join(gallery.folder, UPLOADS));
    const studio = new Studio(options, plugins, { gallery, uploads });
    studio.#pump();
    return studio;
  }

  /** Puts a run into the queue. */
  async create(request: CreateRun): Promise<RunView> {
    this.#checkRoom();
    const config = await this.#catalogue.load(request.pipeline);
    const { gallery } = this.#workshop;
    using held = new DisposableStack();
    const opening = openingOf(request, { uploads: this.uploads, gallery });
    if (opening !== undefined) held.use(opening);
    const plan = planRun(config, request, opening && { opening, plugins: this.#plugins });
    await checkPlan(plan, this.#machine);
    this.#checkRoom();
    held.move();
    const run = new StudioRun(request, plan, opening);
    this.#runs.set(run.id, run);
    this.#waiting.push(run);
    this.#pump();
    this.#tellPositions();
    return run.view();
  }

  /** A run by its id, of this session or from the gallery. */
  find(id: string): RunView | undefined {
    return this.#runs.get(id)?.view() ?? this.#workshop.gallery.get(id);
  }

  /** A run that goes on, or is over not long, with its events and its stream. */
  running(id: string): StudioRun | undefined {
    return this.#runs.get(id);
  }

  /** Newest first. `limit` 1 … 100. */
  list(
    { limit = 24, before }: { limit?: number; before?: string | undefined } = {},
  ): RunsPage {
    const own = [...this.#runs.values()].map((run) => run.view());
    const kept = this.#workshop.gallery.list().filter(({ id }) => !this.#runs.has(id));
    const all = [...own, ...kept].sort((a, b) => a.id < b.id ? 1 : -1);
    const rest = before === undefined ? all : all.filter(({ id }) => id < before);
    const runs = rest.slice(0, limit);
    const last = runs.at(-1)?.id;
    return { runs, ...(rest.length > limit && last !== undefined && { next: last }) };
  }

  /** Changes a run that goes on. */
  patch(id: string, patch: PatchRun): RunView {
    const run = this.#runs.get(id);
    if (run === undefined) {
      if (this.#workshop.gallery.get(id) === undefined) throw missing();
      throw new ProblemError("conflict", "The run is over (finished): start another one.");
    }
    run.patch(patch);
    this.#forget();
    return run.view();
  }

  /** Ends the run if it goes on, and deletes all of it. */
  async remove(id: string): Promise<void> {
    const run = this.#runs.get(id);
    if (run === undefined && this.#workshop.gallery.get(id) === undefined) throw missing();
    if (run !== undefined && !run.over) {
      run.cancel();
      await run.ended;
    }
    this.#runs.delete(id);
    this.#forget();
    await this.#workshop.gallery.remove(id);
  }

  /** Path of a file of a finished run. */
  file(id: string, file: "video" | "poster"): string {
    if (this.#workshop.gallery.get(id) === undefined) throw missing();
    return this.#workshop.gallery.path(id, file);
  }

  pipelines(): Promise<PipelineView[]> {
    return this.#catalogue.list();
  }

  pipeline(name: string): Promise<PipelineView> {
    return this.#catalogue.get(name);
  }

  validate(yaml: string): Promise<ValidationView> {
    return this.#catalogue.validate(yaml);
  }

  /** Saves a pipeline under a name that no built-in has. */
  save(name: string, yaml: string): Promise<PipelineView> {
    return this.#catalogue.save(name, yaml);
  }

  plugins(): PluginView[] {
    return this.#plugins.map((plugin) => {
      const { name, summary, takes, gives } = plugin;
      return { name, summary, takes, gives, options: optionsSchema(plugin) };
    });
  }

  /** What the pipeline's extend-prompt stage makes of a prompt. */
  async extend(prompt: string, pipeline?: string): Promise<string> {
    const config = await this.#catalogue.load(pipeline);
    const spec = config.stages.find(({ spec }) =>
      spec.takes === "prompt" && spec.gives === "prompt"
    )
      ?.spec;
    if (spec === undefined) return prompt;
    if (this.#extending >= EXTENSIONS) {
      throw new ProblemError("unavailable", "Other prompts are being extended: try again.");
    }
    this.#extending++;
    const signal = AbortSignal.any([AbortSignal.timeout(EXTEND_LIMIT), this.#closing.signal]);
    try {
      const { directory, warn } = this.#workshop;
      await using open = await joinStages([spec]).open({ directory, warn });
      for await (const datum of open.run({ text: prompt }, { signal })) {
        return (datum as DataKinds["prompt"]).text;
      }
      return prompt;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ProblemError("unavailable", `The prompt could not be extended: ${reason}`, {
        cause,
      });
    } finally {
      this.#extending--;
    }
  }

  live(): HealthView {
    return { status: "ok", queued: this.#waiting.length, busy: this.#current !== undefined };
  }

  /** As `live`; throws a 503 problem while the model loads or where the engine is dead. */
  ready(): HealthView {
    if (this.#closed !== undefined) throw closing();
    this.#engine.check();
    return this.live();
  }

  /** Takes no more runs, ends the one that goes on (`finish`: lets it make what it has begun), frees all. */
  close(how: "finish" | "cancel" = "finish"): Promise<void> {
    this.#closing.abort(new DOMException("The studio is closing.", "AbortError"));
    for (const run of this.#waiting) run.cancel();
    if (how === "cancel") this.#current?.cancel();
    else this.#current?.stop();
    return this.#closed ??= (async () => {
      await this.#work;
      await this.uploads[Symbol.asyncDispose]();
      await this.#workshop.stages[Symbol.asyncDispose]();
      this.#workshop.gallery[Symbol.dispose]();
    })();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close("cancel");
  }

  #checkRoom(): void {
    if (this.#closed !== undefined) throw closing();
    this.#forget();
    const { queue = 16 } = this.options;
    if (this.#waiting.length < queue) return;
    throw new ProblemError("queue-full", `${queue} runs wait already: wait for one, or stop one.`, {
      headers: { "retry-after": "5" },
    });
  }

  /** Lets go of runs that are over: those that wait no more, and the oldest of the others. */
  #forget(): void {
    const waiting = this.#waiting.filter(({ over }) => !over);
    this.#waiting.splice(0, this.#waiting.length, ...waiting);
    const over = [...this.#runs.values()].filter(({ over }) => over);
    for (const { id } of over.slice(0, -RECENT)) this.#runs.delete(id);
    this.#tellPositions();
  }

  #tellPositions(): void {
    for (const [i, run] of this.#waiting.entries()) run.queueAt(i + 1);
  }

  /** Uses the device, if it is free, for as long as there is work. */
  #pump(): void {
    if (this.#working) return;
    this.#working = true;
    this.#work = this.#use().finally(() => this.#working = false);
  }

  async #use(): Promise<void> {
    const { signal } = this.#closing;
    if (this.#engine.state === "loading") await this.#load();
    for (let run = this.#next(); run !== undefined; run = this.#next()) {
      this.#current = run;
      const { broken } = await execute(run, this.#workshop);
      this.#current = undefined;
      if (broken !== undefined && !signal.aborted) await this.#load();
      else if (run.state === "finished") this.#engine.works();
    }
  }

  #next(): StudioRun | undefined {
    this.#forget();
    const run = this.#waiting.shift();
    this.#tellPositions();
    return run;
  }

  /** Loads the studio's own pipeline. */
  async #load(): Promise<void> {
    try {
      // Without the extension: nobody is to be asked to rewrite a prompt that nobody wrote.
      const plan = planRun(await this.#catalogue.load(), { prompt: "-", extend: false });
      await checkPlan(plan, this.#machine);
      await this.#engine.load(plan, this.#closing.signal);
    } catch (error) {
      this.#engine.fail(error);
    }
  }
}

function missing(): ProblemError {
  return new ProblemError("not-found", "There is no such run: it was deleted, or never was.");
}

function closing(): ProblemError {
  return new ProblemError("unavailable", "The studio is closing.");
}
