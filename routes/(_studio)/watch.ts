/** Follows a run by its events until it is over. */
import type { RunServerEvent, RunView } from "../../server/wire.ts";
import { applyEvent, type WatchedRun } from "./run_events.ts";

const TYPES = ["state", "step", "chunk", "prompt", "warning", "media", "done"] as const;

/** Milliseconds between updates: a page need not be drawn for each of a hundred events a second. */
const BEAT = 80;

/** What to do with what is heard. */
export interface WatchCalls {
  /** The run has changed. */
  readonly changed: (watched: WatchedRun) => void;
  /** The server does not answer, or does not know the run any more. */
  readonly lost: () => void;
}

/** Listens to a run. */
export class RunWatch {
  readonly #source: EventSource;
  readonly #calls: WatchCalls;
  #watched: WatchedRun;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(run: RunView, calls: WatchCalls) {
    this.#watched = { run, warnings: [] };
    this.#calls = calls;
    this.#source = new EventSource(`/api/runs/${run.id}/events`);
    for (const type of TYPES) {
      this.#source.addEventListener(type, ({ data }: MessageEvent<string>) => this.#hear(data));
    }
    this.#source.addEventListener("error", () => {
      // Whoever called asks what has become of the run, and watches it anew.
      this.close();
      calls.lost();
    });
  }

  /** Stops listening. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source.close();
  }

  #hear(data: string): void {
    const event: RunServerEvent = JSON.parse(data);
    this.#watched = applyEvent(this.#watched, event);
    // What changes buttons is told at once.
    if (event.type === "state" || event.type === "done") this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), BEAT);
    if (event.type === "done") this.close();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#calls.changed(this.#watched);
  }
}
