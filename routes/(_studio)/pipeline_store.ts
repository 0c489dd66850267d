/** What the pipelines' page knows and does. The text is the truth; cards and checks follow it. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { PipelineProblem, PipelineView, PluginView, StageView } from "../../server/wire.ts";
import { ApiError, messageOf, StudioClient } from "./client.ts";
import { type Draft, readDraft, rename } from "./pipeline_text.ts";
import { showToast } from "./toasts.ts";

/** What the server gives the page. */
export interface PipelinesData {
  readonly pipelines: readonly PipelineView[];
  readonly plugins: readonly PluginView[];
  /** Which one to show. */
  readonly chosen: string;
}

/** Milliseconds without a change after which a text is checked. */
const PAUSE = 250;

/** Names that pipelines may have. */
const NAME = /^[a-z0-9-]{1,64}$/;

/** The page's state. */
export class PipelineStore {
  readonly client: StudioClient;
  readonly plugins: readonly PluginView[];
  readonly pipelines: Signal<readonly PipelineView[]>;
  readonly chosen: Signal<string>;
  readonly text: Signal<string>;
  /** Name to save under. */
  readonly name: Signal<string>;
  readonly nameError: Signal<string | undefined> = signal(undefined);
  /** What the text says; the last that could be read while it cannot. */
  readonly draft: Signal<Draft>;
  readonly problems: Signal<readonly PipelineProblem[]> = signal([]);
  /** With every option in effect, as of the last text that was right. */
  readonly effective: Signal<readonly StageView[]>;
  readonly state: Signal<"right" | "wrong" | "checking" | "unknown"> = signal("right");
  /** Place of the stage whose options are shown. */
  readonly selected: Signal<number> = signal(0);
  readonly saving: Signal<boolean> = signal(false);
  /** Whether the text differs from what is saved. */
  readonly changed: ReadonlySignal<boolean> = computed(() => this.text.value !== this.#saved.value);
  readonly #saved: Signal<string>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  constructor(data: PipelinesData, client: StudioClient = new StudioClient()) {
    this.client = client;
    this.plugins = data.plugins;
    this.pipelines = signal(data.pipelines);
    const pipeline = data.pipelines.find(({ name }) => name === data.chosen) ?? data.pipelines[0];
    this.chosen = signal(pipeline?.name ?? "");
    this.text = signal(pipeline?.yaml ?? "");
    this.#saved = signal(this.text.value);
    this.name = signal(pipeline === undefined ? "" : suggestName(pipeline, data.pipelines));
    this.draft = signal(readDraft(this.text.value) ?? { name: "", stages: [] });
    this.effective = signal(pipeline?.stages ?? []);
    if (pipeline?.error !== undefined) {
      this.problems.value = pipeline.problems ?? [{ message: pipeline.error }];
      this.state.value = "wrong";
    }
    this.selected.value = heaviest(this.draft.value);
  }

  /** Shows a pipeline; what was changed and not saved is lost. */
  choose(name: string): void {
    const pipeline = this.pipelines.value.find((each) => each.name === name);
    if (pipeline === undefined) return;
    history.replaceState(null, "", `?name=${name}`);
    batch(() => {
      this.chosen.value = name;
      this.#saved.value = pipeline.yaml;
      this.name.value = suggestName(pipeline, this.pipelines.value);
      this.nameError.value = undefined;
      this.effective.value = pipeline.stages;
      this.edit(pipeline.yaml);
      this.selected.value = heaviest(this.draft.value);
    });
  }

  /** Takes a text, and has it checked. */
  edit(text: string): void {
    const draft = readDraft(text);
    batch(() => {
      this.text.value = text;
      if (draft !== undefined) {
        this.draft.value = draft;
        this.selected.value = Math.min(this.selected.value, Math.max(0, draft.stages.length - 1));
      }
      this.state.value = "checking";
    });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), PAUSE);
  }

  /** Takes back what was not saved. */
  revert(): void {
    this.edit(this.#saved.value);
  }

  /** Writes the pipeline under the name. */
  async save(): Promise<void> {
    const name = this.name.value.trim();
    if (!NAME.test(name)) {
      this.nameError.value = "Expected 1 to 64 small letters, digits and hyphens.";
      return;
    }
    this.saving.value = true;
    this.nameError.value = undefined;
    try {
      const pipeline = await this.client.savePipeline(name, rename(this.text.value, name));
      const others = this.pipelines.value.filter((each) => each.name !== name);
      batch(() => {
        this.pipelines.value = [...others, pipeline].sort((a, b) => a.name < b.name ? -1 : 1);
        this.choose(name);
      });
      showToast({
        text: `Saved as configs/${name}.yaml.`,
        action: { label: "Use it", run: () => location.assign(`/?pipeline=${name}`) },
      });
    } catch (error) {
      const fields = error instanceof ApiError ? error.fields : [];
      const name = fields.find(({ field }) => field === "name");
      const places = fields.filter(({ field }) => field === "yaml");
      if (name !== undefined) this.nameError.value = name.message;
      else if (places.length > 0) {
        batch(() => {
          this.state.value = "wrong";
          this.problems.value = places;
        });
      } else showToast({ text: `Not saved: ${messageOf(error)}`, tone: "danger" });
    } finally {
      this.saving.value = false;
    }
  }

  async #check(): Promise<void> {
    this.#abort.abort();
    const { signal } = this.#abort = new AbortController();
    try {
      const { ok, problems, stages } = await this.client.validate(this.text.value, signal);
      batch(() => {
        this.state.value = ok ? "right" : "wrong";
        this.problems.value = problems;
        if (stages !== undefined) this.effective.value = stages;
      });
    } catch (error) {
      if (signal.aborted) return;
      const fields = error instanceof ApiError ? error.fields : [];
      batch(() => {
        this.state.value = fields.length > 0 ? "wrong" : "unknown";
        this.problems.value = fields.length > 0 ? fields : [{ message: messageOf(error) }];
      });
    }
  }
}

/** A pipeline of one's own keeps its name; one that came with Sluice gets another. */
function suggestName(
  { name, builtIn }: PipelineView,
  pipelines: readonly PipelineView[],
): string {
  if (!builtIn) return name;
  const taken = new Set(pipelines.map((each) => each.name));
  for (let i = 1;; i++) {
    const next = `my-${name}${i === 1 ? "" : `-${i}`}`.slice(0, 64);
    if (!taken.has(next)) return next;
  }
}

/** The stage that one most likely wants to change: the one with most options. */
function heaviest({ stages }: Draft): number {
  const counts = stages.map(({ options }) => Object.keys(options).length);
  return Math.max(0, counts.indexOf(Math.max(...counts)));
}

/** What is wrong with a stage, or with one of its options. */
export function problemOf(
  problems: readonly PipelineProblem[],
  stage: number,
  option?: string,
): string | undefined {
  const key = option === undefined ? `stages[${stage}]` : `stages[${stage}].with.${option}`;
  return problems.find((problem) =>
    problem.key === key || problem.key?.startsWith(`${key}.`) || problem.key?.startsWith(`${key}[`)
  )?.message;
}
