/** What the gallery's page knows and does. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { RunsPage, RunView } from "../../server/wire.ts";
import { messageOf, StudioClient } from "./client.ts";
import { Player } from "./player.ts";
import { hideToast, showToast, TOAST_TIME } from "./toasts.ts";

/** Videos a page. */
export const PAGE_SIZE = 24;

/** A deletion that can still be undone. */
interface Deletion {
  readonly timer: ReturnType<typeof setTimeout>;
  readonly toast: number;
}

/** The page's state. */
export class GalleryStore {
  readonly client: StudioClient;
  readonly player: Player = new Player();
  /** The video that is shown large. */
  readonly open: Signal<RunView | undefined> = signal(undefined);
  readonly next: Signal<string | undefined>;
  readonly loading: Signal<boolean> = signal(false);
  readonly filter: Signal<string> = signal("");
  /** Finished ones that are not deleted and fit what is looked for. */
  readonly shown: ReadonlySignal<readonly RunView[]>;
  readonly #runs: Signal<readonly RunView[]>;
  readonly #hidden: Signal<ReadonlySet<string>> = signal(new Set());
  readonly #deletions = new Map<string, Deletion>();

  constructor({ runs, next }: RunsPage, client: StudioClient = new StudioClient()) {
    this.client = client;
    this.#runs = signal(runs);
    this.next = signal(next);
    this.shown = computed(() => {
      const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      return this.#runs.value.filter((run) =>
        run.video !== undefined && !this.#hidden.value.has(run.id) && fits(run, words)
      );
    });
  }

  /** Begins; gives what ends it, and carries out what was not undone. */
  start(): () => void {
    const leave = () => this.#carryOut();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }

  /** Fetches older ones. */
  async more(): Promise<void> {
    const before = this.next.value;
    if (before === undefined || this.loading.value) return;
    this.loading.value = true;
    try {
      const page = await this.client.listRuns({ limit: PAGE_SIZE, before });
      batch(() => {
        this.#runs.value = [...this.#runs.value, ...page.runs];
        this.next.value = page.next;
      });
    } catch (error) {
      showToast({ text: messageOf(error), tone: "danger" });
    } finally {
      this.loading.value = false;
    }
  }

  /** Shows a video large. */
  show(run: RunView): void {
    this.open.value = run;
    this.player.show(run, { play: true });
  }

  close(): void {
    this.open.value = undefined;
    this.player.show(undefined);
  }

  /** Takes a video away, and deletes it after a while in which that can be undone. */
  remove(run: RunView): void {
    if (this.open.value?.id === run.id) this.close();
    this.#hide(run.id, true);
    const toast = showToast({
      text: "Deleted.",
      action: { label: "Undo", run: () => this.#undo(run.id) },
    });
    const timer = setTimeout(() => this.#delete(run.id), TOAST_TIME);
    this.#deletions.set(run.id, { timer, toast });
  }

  #undo(id: string): void {
    const deletion = this.#deletions.get(id);
    if (deletion === undefined) return;
    clearTimeout(deletion.timer);
    this.#deletions.delete(id);
    this.#hide(id, false);
  }

  async #delete(id: string): Promise<void> {
    const deletion = this.#deletions.get(id);
    if (deletion === undefined) return;
    clearTimeout(deletion.timer);
    this.#deletions.delete(id);
    hideToast(deletion.toast);
    try {
      await this.client.deleteRun(id);
    } catch (error) {
      this.#hide(id, false);
      showToast({ text: `Not deleted: ${messageOf(error)}`, tone: "danger" });
    }
  }

  #carryOut(): void {
    for (const id of [...this.#deletions.keys()]) this.#delete(id);
  }

  #hide(id: string, hidden: boolean): void {
    const next = new Set(this.#hidden.value);
    if (hidden) next.add(id);
    else next.delete(id);
    this.#hidden.value = next;
  }
}

/** Whether all words occur in what was asked for. */
function fits(
  { prompt, extendedPrompt = "", pipeline }: RunView,
  words: readonly string[],
): boolean {
  const text = `${prompt} ${extendedPrompt} ${pipeline}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
