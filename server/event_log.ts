/** What a run has told, for whoever listens from now on or from where he was cut off. */
import type { RunServerEvent } from "./wire.ts";

/** An event with its number, from 1. */
export interface LoggedEvent {
  readonly id: number;
  readonly event: RunServerEvent;
}

/**
 * The newest events of a run. A listener keeps no queue of its own: it reads the log from its place on,
 * so that memory does not grow with listeners or with their slowness. One that has fallen out of the log
 * is told the state of the run in place of what it missed.
 */
export class EventLog {
  readonly #capacity: number;
  readonly #snapshot: () => RunServerEvent;
  readonly #events: LoggedEvent[] = [];
  #last = 0;
  #ended = false;
  /** How many listen now. */
  listeners = 0;
  #changed = Promise.withResolvers<void>();

  /**
   * @param snapshot Tells the state of the run as an event.
   * @param capacity Events kept, from 1.
   */
  constructor(snapshot: () => RunServerEvent, capacity = 1024) {
    this.#snapshot = snapshot;
    this.#capacity = capacity;
  }

  /** Number of the newest event. */
  get last(): number {
    return this.#last;
  }

  /** Whether no event will follow. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Adds an event; after `end` it is lost. */
  add(event: RunServerEvent): void {
    if (this.#ended) return;
    this.#events.push({ id: ++this.#last, event });
    if (this.#events.length > this.#capacity) this.#events.shift();
    this.#wake();
  }

  /** Adds the last event. */
  end(event: RunServerEvent): void {
    this.add(event);
    this.#ended = true;
    this.#wake();
  }

  /**
   * Events after number `after`, as they come, to the last; without a number the state of the run and
   * what comes then.
   */
  async *listen(after?: number, signal?: AbortSignal): AsyncGenerator<LoggedEvent, void> {
    this.listeners++;
    try {
      yield* this.#follow(after ?? -1, signal);
    } finally {
      this.listeners--;
    }
  }

  async *#follow(place: number, signal?: AbortSignal): AsyncGenerator<LoggedEvent, void> {
    while (!signal?.aborted) {
      const changed = this.#changed.promise;
      const first = this.#events[0]?.id ?? this.#last + 1;
      if (place < first - 1 || place > this.#last) {
        // Its number is that of the newest event: what it tells holds all until then.
        place = this.#last;
        if (!this.#ended) yield { id: place, event: this.#snapshot() };
        else if (this.#events.length > 0) yield this.#events.at(-1)!;
        continue;
      }
      const next = this.#events[place - first + 1];
      if (next !== undefined) {
        place = next.id;
        yield next;
        continue;
      }
      if (this.#ended) return;
      await unlessAborted(changed, signal);
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** `promise`, or an early end on an abort; leaves nothing behind on a signal that lives long. */
export async function unlessAborted(promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return await promise;
  if (signal.aborted) return;
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
