/** How far files are that come from a server. */
import { oneLine, seconds, short, size, squeeze } from "./progress.ts";
import { LiveBlock, type Screen } from "./screen.ts";

/** Milliseconds between two looks of a terminal, and of a log. */
const REDRAW = 100;
const PLAIN = 10_000;

/** What happens to a file that comes. */
export type FetchEvent =
  | { readonly type: "bytes"; readonly file: string; readonly count: number; readonly done: number }
  | {
    readonly type: "wait";
    readonly file: string;
    readonly reason: string;
    readonly milliseconds: number;
  };

/** Shows how far it is: one line drawn anew in a terminal, a line now and then elsewhere. */
export class FetchView {
  readonly #screen: Screen;
  readonly #silent: boolean;
  readonly #block: LiveBlock;
  readonly #done = new Map<string, number>();
  #total: number | undefined;
  #fetched = 0;
  #started = performance.now();
  #shown = performance.now();

  /** With `json` it shows nothing but in a terminal, with `quiet` nothing at all. */
  constructor(
    screen: Screen,
    { quiet, json }: { readonly quiet: boolean; readonly json: boolean },
  ) {
    this.#screen = screen;
    this.#silent = quiet || (json && !screen.live);
    this.#block = new LiveBlock(screen);
  }

  /** Bytes that have come since the beginning. */
  get fetched(): number {
    return this.#fetched;
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Bytes that are there of a file. */
  done(file: string): number {
    return this.#done.get(file) ?? 0;
  }

  /**
   * Begins to count.
   *
   * @param begun bytes that are there already, by file
   * @param total bytes of all files together, where that is known
   */
  begin(begun: ReadonlyMap<string, number>, total: number | undefined): void {
    this.#started = this.#shown = performance.now();
    for (const [file, bytes] of begun) this.#done.set(file, bytes);
    this.#total = total;
  }

  hear(event: FetchEvent): void {
    if (event.type === "bytes") {
      this.#fetched += event.count;
      this.#done.set(event.file, event.done);
      this.#show();
    } else {
      const pause = seconds(event.milliseconds / 1000);
      this.print(`${event.file}: ${oneLine(event.reason)}; again in ${pause}`);
    }
  }

  /** Says that so many bytes of a file are there. */
  reach(file: string, bytes: number): void {
    this.#done.set(file, bytes);
  }

  /** A line of its own. */
  print(line: string): void {
    if (this.#silent) return;
    if (this.#screen.live) this.#block.print(line);
    else this.#screen.err(`${line}\n`);
  }

  end(): void {
    this.#block.clear();
  }

  #show(): void {
    const screen = this.#screen;
    const now = performance.now();
    if (this.#silent || now - this.#shown < (screen.live ? REDRAW : PLAIN)) return;
    this.#shown = now;
    const done = [...this.#done.values()].reduce((a, b) => a + b, 0);
    const speed = this.#fetched / this.seconds;
    const parts = [
      this.#total === undefined ? size(done) : `${size(done)} of ${size(this.#total)}`,
      ...(this.#total === undefined ? [] : [`${short(100 * done / this.#total)}%`]),
      `${size(Math.round(speed))}/s`,
      ...(this.#total === undefined || speed === 0
        ? []
        : [`${seconds((this.#total - done) / speed)} left`]),
    ];
    const line = squeeze(parts, screen.size().columns - 1);
    if (screen.live) this.#block.draw([line]);
    else screen.err(`${line}\n`);
  }
}
