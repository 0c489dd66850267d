/** What a batch shows of itself on standard error. */
import type { OpenEvent, RunEvent } from "../pipeline/events.ts";
import {
  advance,
  advanceOpening,
  BEGINNING,
  oneLine,
  type Plan,
  type Progress,
  progressLine,
  squeeze,
} from "./progress.ts";
import { LiveBlock, type Screen } from "./screen.ts";

/** Milliseconds between two looks at the clock. */
const TICK = 100;

/** A line for each video, and in a terminal one more that tells how far the video in hand has come. */
export class BatchView implements Disposable {
  readonly #screen: Screen;
  readonly #plan: Plan;
  readonly #silent: boolean;
  readonly #block: LiveBlock | undefined;
  readonly #ticking: ReturnType<typeof setInterval> | undefined;
  readonly #warned = new Set<string>();
  #place = "";
  #progress: Progress = BEGINNING;
  /** When the video in hand was begun, by the clock of `performance`; undefined while the model is loaded. */
  #begun: number | undefined;
  readonly #opened = performance.now();

  /** @param silent whether nothing but errors is shown */
  constructor(screen: Screen, plan: Plan, silent: boolean) {
    this.#screen = screen;
    this.#plan = plan;
    this.#silent = silent;
    if (silent || !screen.live) return;
    this.#block = new LiveBlock(screen);
    this.#ticking = setInterval(() => this.#draw(), TICK);
  }

  /** A video is begun. @param place such as `[3/20]` */
  begin(place: string): void {
    this.#place = place;
    this.#progress = BEGINNING;
    this.#begun = performance.now();
  }

  /** Hears what the run tells. */
  hear(event: RunEvent): void {
    if (event.type === "warning") this.warn(event.message);
    this.#progress = advance(this.#progress, event, this.#plan);
  }

  /** Hears how far loading the model has come. */
  hearOpening(event: OpenEvent): void {
    this.#progress = advanceOpening(this.#progress, event);
  }

  /** A line that stays. */
  say(line: string): void {
    if (!this.#silent) this.#print(line);
  }

  /** A warning, the first time. */
  warn(message: string): void {
    if (!this.#warned.has(message)) this.say(`warning: ${oneLine(message)}`);
    this.#warned.add(message);
  }

  /** What is shown in any case. */
  fail(line: string): void {
    this.#print(line);
  }

  #print(line: string): void {
    if (this.#block) this.#block.print(line);
    else this.#screen.err(`${line}\n`);
  }

  #draw(): void {
    const early = this.#begun === undefined ? undefined : 0;
    const elapsed = (performance.now() - (this.#begun ?? this.#opened)) / 1000;
    const parts = progressLine(this.#progress, this.#plan, elapsed, early);
    const shown = this.#place === "" ? parts : [this.#place, ...parts];
    this.#block?.draw([squeeze(shown, this.#screen.size().columns - 1)]);
  }

  /** Takes the moving line away. */
  [Symbol.dispose](): void {
    clearInterval(this.#ticking);
    this.#block?.clear();
  }
}
