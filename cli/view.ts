/** What a run shows of itself on standard error while it goes on. */
import { halfBlocks, type Picture } from "./picture.ts";
import {
  loadingParts,
  type Plan,
  type Progress,
  progressLine,
  rate,
  seconds,
  short,
  squeeze,
} from "./progress.ts";
import { LiveBlock, type Screen } from "./screen.ts";

/** Shows a run. Times are in seconds since the program started. */
export interface View {
  /** `early` is when the run began; undefined while stages are still being loaded. */
  progress(progress: Progress, elapsed: number, early: number | undefined): void;
  /** A line that stays. */
  note(line: string): void;
  /** A line that stays and is not left out. */
  warn(message: string): void;
  picture(picture: Picture): void;
  /** Nothing moves any more; what was drawn in place is taken away, but for the last picture. */
  end(): void;
}

/** Most lines drawn anew a second. */
const REDRAWS = 20;

/** Least seconds between two plain lines: a log of an endless run must not flood. */
const PAUSE = 1;

/** The same while stages are loaded. */
const LOADING_PAUSE = 10;

/** One line at the end of a terminal, drawn anew in place, below the picture if there is one. */
export class LiveView implements View {
  readonly #screen: Screen;
  readonly #plan: Plan;
  readonly #block: LiveBlock;
  #picture: string[] = [];
  #line = "";
  #drawn = -1;

  constructor(screen: Screen, plan: Plan) {
    this.#screen = screen;
    this.#plan = plan;
    this.#block = new LiveBlock(screen);
  }

  progress(progress: Progress, elapsed: number, early: number | undefined): void {
    const parts = progressLine(progress, this.#plan, elapsed, early);
    this.#line = squeeze(parts, this.#screen.size().columns - 1);
    if (elapsed - this.#drawn < 1 / REDRAWS) return;
    this.#drawn = elapsed;
    this.#draw();
  }

  note(line: string): void {
    this.#block.print(line);
  }

  warn(message: string): void {
    this.note(`warning: ${message}`);
  }

  picture(picture: Picture): void {
    this.#picture = halfBlocks(picture);
    this.#draw();
  }

  end(): void {
    if (this.#picture.length === 0) return this.#block.clear();
    this.#block.draw(this.#picture);
    this.#block.end();
  }

  #draw(): void {
    this.#block.draw([...this.#picture, this.#line]);
  }
}

/** A line of its own for each chunk, at most one a second, and some while loading takes long. */
export class PlainView implements View {
  readonly #screen: Screen;
  readonly #plan: Plan;
  #chunks = 0;
  #written = -PAUSE;
  #told = -LOADING_PAUSE;

  constructor(screen: Screen, plan: Plan) {
    this.#screen = screen;
    this.#plan = plan;
  }

  progress(progress: Progress, elapsed: number, early: number | undefined): void {
    if (early === undefined) return this.#loading(progress, elapsed);
    if (progress.chunks === this.#chunks || elapsed - this.#written < PAUSE) return;
    this.#chunks = progress.chunks;
    this.#written = elapsed;
    this.note(plainLine(progress, this.#plan, elapsed));
  }

  #loading(progress: Progress, elapsed: number): void {
    const parts = loadingParts(progress, elapsed);
    if (parts.length === 0 || elapsed - this.#told < LOADING_PAUSE) return;
    this.#told = elapsed;
    this.note(`loading: ${parts.join(", ")}, ${seconds(elapsed)}`);
  }

  note(line: string): void {
    this.#screen.err(`${line}\n`);
  }

  warn(message: string): void {
    this.note(`warning: ${message}`);
  }

  picture(): void {}

  end(): void {}
}

/** `chunk 3/7: 33/81 frames, 131 frames/s, 1.20 s`. */
export function plainLine(progress: Progress, plan: Plan, elapsed: number): string {
  const of = (total: number | undefined) => total === undefined ? "" : `/${total}`;
  return `chunk ${progress.chunks}${of(plan.chunks)}: ${progress.frames}${of(plan.frames)} ` +
    `frames, ${short(rate(progress))} frames/s, ${seconds(elapsed)}`;
}

/** Keeps quiet about all but what the user must know. */
export class QuietView implements View {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  progress(): void {}

  note(): void {}

  warn(message: string): void {
    this.#screen.err(`warning: ${message}\n`);
  }

  picture(): void {}

  end(): void {}
}
