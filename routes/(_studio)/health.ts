/** Whether the server is there, and its model loaded. */
import { type Signal, signal } from "@preact/signals";
import { ApiError, GoneError, messageOf, StudioClient } from "./client.ts";

/** What the page knows of the server. */
export interface Health {
  /** `unknown` until it was asked first. */
  readonly state: "unknown" | "ready" | "loading" | "broken" | "gone";
  /** Why, where it is not ready. */
  readonly reason?: string;
  /** What takes so long, where the model is being loaded and the server says so. */
  readonly work?: string;
}

/** Milliseconds between questions while all is well. */
const CALM = 10_000;

/** Milliseconds between questions while something is amiss: often at first. */
const EAGER = [300, 600, 1000, 1500, 2000] as const;

/** Asks the server how it is, often while it is not well, and tells when it has come back. */
export class HealthWatch {
  readonly health: Signal<Health> = signal({ state: "unknown" });
  readonly #client: StudioClient;
  readonly #returns = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #users = 0;
  #asking = false;

  constructor(client: StudioClient = new StudioClient()) {
    this.#client = client;
  }

  /** Begins to watch, until what it gives is called. */
  start(): () => void {
    if (++this.#users === 1) this.check();
    return () => {
      if (--this.#users === 0) clearTimeout(this.#timer);
    };
  }

  /** Calls a function each time the server is back after it was gone; gives what ends that. */
  onReturn(call: () => void): () => void {
    this.#returns.add(call);
    return () => this.#returns.delete(call);
  }

  /** Asks now: somebody had no answer. */
  async check(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    const was = this.health.value.state;
    const now = await this.#ask();
    this.#asking = false;
    if (now.state !== was || now.reason !== this.health.value.reason) this.health.value = now;
    if (was === "gone" && now.state !== "gone") this.#returns.forEach((call) => call());
    this.#tries = now.state === "ready" ? 0 : this.#tries + 1;
    const wait = now.state === "ready" ? CALM : EAGER[Math.min(this.#tries, EAGER.length) - 1]!;
    if (this.#users > 0) this.#timer = setTimeout(() => this.check(), wait);
  }

  async #ask(): Promise<Health> {
    try {
      await this.#client.ready(AbortSignal.timeout(4000));
      return { state: "ready" };
    } catch (error) {
      const reason = messageOf(error);
      if (!(error instanceof ApiError)) {
        return { state: "gone", reason: new GoneError(error).message };
      }
      const loading = error.status === 503 && /being loaded|loading/i.test(reason);
      if (!loading) return { state: "broken", reason };
      const work = /\(([^()]+)\)/.exec(reason)?.[1];
      return { state: "loading", reason, ...(work && { work }) };
    }
  }
}

/** The page's own: islands share it. Nothing of it happens on the server. */
export const healthWatch: HealthWatch = new HealthWatch();
