/** Whether the model is loaded, and loading it. */
import type { Media } from "../pipeline/data.ts";
import { advanceLoading, loadingWords, type StagesLoading } from "../pipeline/loading.ts";
import { joinStages } from "../pipeline/pipe.ts";
import type { OpenPipeline } from "../pipeline/run.ts";
import type { Plan } from "./plan.ts";
import { ProblemError } from "./problem.ts";
import type { Workshop } from "./execute.ts";

/** How the engine is. */
export type EngineState = "loading" | "ready" | "dead";

/** Milliseconds that the first chunk may take before anybody asks for one. */
const WARM_UP = 5000;

/** Makes the beginning of a video for nobody: what is slow only once is over when somebody waits. */
async function warmUp(open: OpenPipeline, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(WARM_UP);
  try {
    const run = open.run({ text: "a red ball" }, { signal: AbortSignal.any([signal, limit]) });
    for await (const media of run) if ((media as Media).part !== "init") break;
  } catch (error) {
    if (!limit.aborted) throw error;
  }
}

/** Keeps the studio's own pipeline loaded, and knows whether it is. */
export class Engine {
  readonly #workshop: Workshop;
  #state: EngineState = "loading";
  #reason = "";
  #loading: StagesLoading = new Map();

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Loads the stages of a plan so that a run finds them; what fails makes the engine dead, no more. */
  async load(plan: Plan, signal: AbortSignal): Promise<void> {
    this.#state = "loading";
    this.#loading = new Map();
    const { stages, device = plan.device, threads, directory, warn } = this.#workshop;
    try {
      const pipeline = joinStages(stages.lend(plan.stages, () => false));
      const open = await pipeline.open({
        directory,
        warn,
        signal,
        onEvent: (event) => this.#loading = advanceLoading(this.#loading, event),
        ...(device !== undefined && { device }),
        ...(threads !== undefined && { threads }),
      });
      try {
        await warmUp(open, signal);
      } finally {
        // Closing gives the stages back: they stay.
        await open[Symbol.asyncDispose]();
      }
      this.#state = "ready";
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  /** A run went well. */
  works(): void {
    this.#state = "ready";
  }

  /** It cannot be used until it is loaded again. */
  fail(error: unknown): void {
    this.#state = "dead";
    this.#reason = error instanceof Error ? error.message : String(error);
    this.#workshop.warn(`The model cannot be used: ${this.#reason}`);
  }

  /** @throws {ProblemError} 503 while the model is not there. */
  check(): void {
    if (this.#state === "ready") return;
    const words = loadingWords(this.#loading).join(", ");
    const detail = this.#state === "loading"
      ? `The model is being loaded${words && ` (${words})`}: ask again in a moment.`
      : `The model cannot be used: ${this.#reason}`;
    throw new ProblemError("unavailable", detail, { headers: { "retry-after": "2" } });
  }
}
