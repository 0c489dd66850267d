/** The studio: everything the API and the pages do, without HTTP. */
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
  /** Name of the pipeline that is loaded first and used where a request names none. */
  readonly pipeline?: string;
  /** `cpu`, `webgpu`, `cuda` or `cuda:n`. Default: what the pipeline says, else `cpu`. */
  readonly device?: string;
  readonly threads?: number;
  /** Runs that may wait, from 1. Default: 16. */
  readonly queue?: number;
  /** Name or address the server listens on; other than loopback needs a token. */
  readonly host?: string;
  /** What a client must show (`?token=`, cookie or `Authorization: Bearer`); absent: none is asked. */
  readonly token?: string;
  /** Told what the user should know that is no error. */
  readonly warn?: (message: string) => void;
}

/** Runs, gallery and pipelines. Methods throw `ProblemError` (`problem.ts`) for what a client did wrong. */
export class Studio implements AsyncDisposable {
  readonly options: StudioOptions;

  private constructor(options: StudioOptions) {
    this.options = options;
  }

  /** Cleans the gallery of what was half-written, begins to load the pipeline, and returns at once. */
  static open(_options: StudioOptions = {}): Promise<Studio> {
    throw new Error("not yet");
  }

  /** Puts a run into the queue. */
  create(_request: CreateRun): Promise<RunView> {
    throw new Error("not yet");
  }

  /** A run by its id, of this session or from the gallery. */
  find(_id: string): RunView | undefined {
    throw new Error("not yet");
  }

  /** Newest first. `limit` 1 … 100. */
  list(_page?: { limit?: number; before?: string }): RunsPage {
    throw new Error("not yet");
  }

  /** Changes a run that goes on. */
  patch(_id: string, _patch: PatchRun): RunView {
    throw new Error("not yet");
  }

  /** Ends the run if it goes on, and deletes all of it. */
  remove(_id: string): Promise<void> {
    throw new Error("not yet");
  }

  pipelines(): Promise<PipelineView[]> {
    throw new Error("not yet");
  }

  validate(_yaml: string): Promise<ValidationView> {
    throw new Error("not yet");
  }

  /** Saves a pipeline under a name that no built-in has. */
  save(_name: string, _yaml: string): Promise<PipelineView> {
    throw new Error("not yet");
  }

  plugins(): PluginView[] {
    throw new Error("not yet");
  }

  /** What the pipeline's extend-prompt stage makes of a prompt. */
  extend(_prompt: string, _pipeline?: string): Promise<string> {
    throw new Error("not yet");
  }

  live(): HealthView {
    throw new Error("not yet");
  }

  /** As `live`; throws a 503 problem while the model loads or where the engine is dead. */
  ready(): HealthView {
    throw new Error("not yet");
  }

  /** Takes no more runs, ends the one that goes on (`finish`: lets it make what it has begun), frees all. */
  close(_how: "finish" | "cancel" = "finish"): Promise<void> {
    throw new Error("not yet");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close("cancel");
  }
}
