import type { LoadingProgress, OpenEvent } from "./events.ts";

/** Seconds between two reports of the same work, at least. */
const PAUSE = 0.1;

/** Passes on how far stages have come that are being made, no more often than anybody can read it. */
export class LoadingReports {
  readonly #began = performance.now();
  readonly #tell: (event: OpenEvent) => void;

  constructor(tell: (event: OpenEvent) => void) {
    this.#tell = tell;
  }

  /** What a stage reports by. */
  of(stage: string): (progress: LoadingProgress) => void {
    let work: string | undefined;
    let told = 0;
    return (progress) => {
      const at = this.#at();
      const isOver = progress.done === progress.total && progress.total > 0;
      if (progress.work === work && at - told < PAUSE && !isOver) return;
      work = progress.work;
      told = at;
      this.#tell({ type: "loading", stage, at, ...progress });
    };
  }

  /** The stage is made. */
  loaded(stage: string): void {
    this.#tell({ type: "loaded", stage, at: this.#at() });
  }

  #at(): number {
    return (performance.now() - this.#began) / 1000;
  }
}
