/** What the studio's page knows and does. Views read its signals and call its methods. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { PatchRun, PipelineView, PluginView, RunView } from "../../server/wire.ts";
import { ApiError, GoneError, messageOf, StudioClient } from "./client.ts";
import { withChange } from "./length.ts";
import { canBegin } from "./opening.ts";
import { OpeningStore } from "./opening_store.ts";
import { healthWatch } from "./health.ts";
import { Player } from "./player.ts";
import { SUGGESTIONS } from "./prompts.ts";
import {
  buildRequest,
  type FieldErrors,
  formOf,
  type FormState,
  messagesByField,
} from "./request.ts";
import { isOver, type StepProgress, type WatchedRun } from "./run_events.ts";
import { RunWatch } from "./watch.ts";

/** What the server gives a page to begin with. */
export interface StudioData {
  readonly pipelines: readonly PipelineView[];
  readonly plugins: readonly PluginView[];
  /** Newest first. */
  readonly recent: readonly RunView[];
  /** What to show: one that was asked for, or goes on, or the newest. */
  readonly run?: RunView;
  /** Whose settings to begin with. */
  readonly reuse?: RunView;
  /** The video to go on from. */
  readonly from?: RunView;
  /** Name of the pipeline to begin with. */
  readonly pipeline?: string;
}

/** What a page begins with that nobody has asked anything of. */
const FRESH: FormState = {
  prompt: SUGGESTIONS[0]!,
  pipeline: "",
  seed: "",
  extend: true,
  edited: undefined,
  texts: {},
  frames: undefined,
  opening: undefined,
  later: [],
};

/** Fields of the API that a part of the form is sent as. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  opening: ["image", "video", "strength"],
  later: ["timeline"],
};

/** Runs in the row of recent ones. */
const RECENT = 8;

/** Milliseconds after which a run is asked for again where listening to it failed. */
const RETRY = 1000;

/** The page's state. */
export class StudioStore {
  readonly pipelines: readonly PipelineView[];
  readonly plugins: readonly PluginView[];
  readonly client: StudioClient;
  readonly player: Player = new Player();

  readonly form: Signal<FormState>;
  readonly run: Signal<RunView | undefined>;
  readonly step: Signal<StepProgress | undefined> = signal(undefined);
  readonly warnings: Signal<readonly string[]> = signal([]);
  readonly recent: Signal<readonly RunView[]>;
  /** What the video begins with. */
  readonly opening: OpeningStore;
  /** Wrong fields, by the API's names. */
  readonly errors: Signal<FieldErrors> = signal({});
  /** What went wrong as a whole. */
  readonly problem: Signal<string | undefined> = signal(undefined);
  /** Whether a request is on its way that must not be sent twice. */
  readonly busy: Signal<boolean> = signal(false);

  /** Whether the run that is shown goes on. */
  readonly active: ReadonlySignal<boolean> = computed(() =>
    this.run.value !== undefined && !isOver(this.run.value.state)
  );
  /** The pipeline that is chosen. */
  readonly pipeline: ReadonlySignal<PipelineView | undefined> = computed(() =>
    this.pipelines.find(({ name }) => name === this.form.value.pipeline)
  );
  /** Whether the prompt has changed since the run was given one. */
  readonly changed: ReadonlySignal<boolean> = computed(() => {
    const { prompt } = this.form.value;
    return this.active.value && prompt.trim() !== "" && prompt.trim() !== this.run.value?.prompt;
  });

  #watch: RunWatch | undefined;

  constructor(data: StudioData, client: StudioClient = new StudioClient()) {
    this.client = client;
    this.pipelines = data.pipelines;
    this.plugins = data.plugins;
    this.run = signal(data.run);
    this.recent = signal(data.recent);
    const standard = data.pipelines.find(({ name }) => name === data.pipeline) ??
      data.pipelines.find((each) => each.default) ?? data.pipelines[0];
    const active = data.run !== undefined && !isOver(data.run.state) ? data.run : undefined;
    const again = data.reuse ?? active;
    this.form = signal(
      again !== undefined ? formOf(again) : { ...FRESH, pipeline: standard?.name ?? "" },
    );
    this.opening = new OpeningStore(client, {
      get: () => this.form.value.opening,
      set: (change) => this.set(change),
    });
    if (data.from !== undefined) this.goOn(data.from);
    // A run that goes on was given a seed, but the next one need not have it.
    if (data.reuse === undefined && active !== undefined) {
      this.set({ seed: "", prompt: active.prompt });
    }
  }

  /** Begins to follow the run; gives what ends that. */
  open(): () => void {
    if (this.run.value !== undefined) this.show(this.run.value);
    this.opening.check();
    const seen = () => {
      if (document.hidden) this.#watch?.close();
      else if (this.active.value) this.#resync();
    };
    document.addEventListener("visibilitychange", seen);
    const stopReturns = healthWatch.onReturn(() => this.#returned());
    return () => {
      document.removeEventListener("visibilitychange", seen);
      stopReturns();
      this.#watch?.close();
    };
  }

  /** Changes the form; what was said about changed fields is taken back. */
  set(change: Partial<FormState>): void {
    batch(() => {
      this.form.value = withChange(this.pipeline.value, this.form.value, change);
      const names = Object.keys(change).filter((name) => name !== "texts")
        .flatMap((name) => FIELDS[name] ?? [name]);
      const kept = Object.entries(this.errors.value).filter(([field]) =>
        !names.includes(field.split(".")[0]!)
      );
      this.errors.value = Object.fromEntries(kept);
    });
  }

  /** Writes into an option; nothing puts back what the pipeline says. */
  setOption(key: string, text: string | undefined): void {
    const { [key]: _, ...others } = this.form.value.texts;
    batch(() => {
      this.set({ texts: text === undefined ? others : { ...others, [key]: text } });
      const kept = Object.entries(this.errors.value).filter(([field]) =>
        field !== `options.${key}` && !field.startsWith(`options.${key}.`)
      );
      this.errors.value = Object.fromEntries(kept);
    });
  }

  /** Begins with a file that was dropped or chosen, where the pipeline can. */
  begin(file: File): void {
    if (canBegin(this.pipeline.value)) this.opening.send(file);
  }

  /** Asks for a run as the form says. */
  async start(): Promise<void> {
    const { request, errors } = buildRequest(this.form.value, this.plugins);
    this.errors.value = errors;
    this.problem.value = undefined;
    if (request === undefined) return;
    await this.#ask(async () => {
      const run = await this.client.createRun(request);
      this.#remember(run);
      this.show(run, { play: true });
    });
  }

  /** Ctrl+Enter: starts, or gives the run its new prompt. */
  async submit(): Promise<void> {
    if (this.busy.value) return;
    if (!this.active.value) await this.start();
    else if (this.changed.value) await this.steer();
  }

  /** Gives the run a new prompt from its next chunk on. */
  async steer(): Promise<void> {
    await this.#patch({ prompt: (this.form.value.edited ?? this.form.value.prompt).trim() });
  }

  pause(): Promise<void> {
    return this.#patch({ action: this.run.value?.paused ? "resume" : "pause" });
  }

  async stop(): Promise<void> {
    if (this.active.value) await this.#patch({ action: "stop" });
  }

  /** Shows a run, and follows it if it goes on. */
  show(run: RunView, { play = false } = {}): void {
    this.#watch?.close();
    const same = this.run.value?.id === run.id;
    batch(() => {
      this.run.value = run;
      this.step.value = undefined;
      if (!same) this.warnings.value = [];
    });
    this.player.show(run, { play: play && isOver(run.state) });
    if (!isOver(run.state)) this.#follow(run);
    else if (run.chunks.length === 0 && run.frames > 0) this.#complete(run.id);
  }

  /** Fetches what lists leave out of a run. */
  async #complete(id: string): Promise<void> {
    try {
      const run = await this.client.findRun(id);
      if (run !== undefined && this.run.value?.id === id) this.run.value = run;
    } catch {
      // Its chunks are not shown; everything else is.
    }
  }

  /** Fills the form with what a run was made of. */
  reuse(run: RunView): void {
    batch(() => {
      this.errors.value = {};
      this.problem.value = undefined;
      this.form.value = formOf(run);
    });
    this.opening.check();
  }

  /** Fills the form with what a video was made of, to go on from its end with new noise. */
  goOn(run: RunView): void {
    batch(() => {
      this.errors.value = {};
      this.problem.value = undefined;
      this.form.value = formOf(run);
      this.set({ seed: "", opening: undefined, later: [] });
      this.opening.goOn(run);
    });
  }

  async #patch(patch: PatchRun): Promise<void> {
    const id = this.run.value?.id;
    if (id === undefined) return;
    await this.#ask(async () => {
      const run = await this.client.patchRun(id, patch);
      if (this.run.value?.id === id && !isOver(this.run.value.state)) {
        this.#changed({ run, warnings: this.warnings.value });
      }
    });
  }

  /** Sends a request, and shows what is wrong with it. */
  async #ask(send: () => Promise<void>): Promise<void> {
    this.busy.value = true;
    try {
      await send();
      this.problem.value = undefined;
    } catch (error) {
      if (error instanceof GoneError) healthWatch.check();
      if (error instanceof ApiError && error.fields.length > 0) {
        this.errors.value = messagesByField(error.fields);
      } else this.problem.value = messageOf(error);
    } finally {
      this.busy.value = false;
    }
  }

  #follow(run: RunView): void {
    const watch = new RunWatch(run, {
      changed: (watched) => {
        if (this.#watch === watch) this.#changed(watched);
      },
      lost: () => {
        if (this.#watch === watch) this.#resync();
      },
    });
    this.#watch = watch;
  }

  #changed({ run, step, warnings }: WatchedRun): void {
    const over = isOver(run.state);
    batch(() => {
      this.run.value = run;
      this.step.value = over ? undefined : step;
      this.warnings.value = warnings;
      if (over) this.#remember(run);
    });
    this.player.show(run);
  }

  /** Asks what has become of the run; where nobody answers, again when somebody does. */
  async #resync(): Promise<void> {
    const run = this.run.value;
    if (run === undefined || isOver(run.state)) return;
    this.#watch?.close();
    try {
      const now = await this.client.findRun(run.id);
      if (healthWatch.health.value.state === "gone") healthWatch.check();
      if (this.run.value?.id !== run.id) return;
      if (now !== undefined) {
        this.#changed({ run: now, warnings: this.warnings.value });
        if (!isOver(now.state)) this.#follow(now);
      } else this.#changed({ run: lostRun(run), warnings: [] });
    } catch (error) {
      if (error instanceof GoneError) healthWatch.check();
      setTimeout(() => this.#resync(), RETRY);
    }
  }

  /** The server was gone and is back. */
  async #returned(): Promise<void> {
    if (this.problem.value !== undefined) this.problem.value = undefined;
    await this.#resync();
    try {
      this.recent.value = (await this.client.listRuns({ limit: RECENT })).runs;
    } catch {
      // The row stays as it was.
    }
  }

  #remember(run: RunView): void {
    const others = this.recent.value.filter(({ id }) => id !== run.id);
    this.recent.value = [run, ...others]
      .sort((a, b) => a.id < b.id ? 1 : -1)
      .slice(0, RECENT);
  }
}

/** A run that the server does not know any more. */
function lostRun({ stream: _, position: __, ...run }: RunView): RunView {
  return {
    ...run,
    state: "failed",
    paused: false,
    error: "The studio was restarted while this was being made, so it is lost. Start it again.",
  };
}
