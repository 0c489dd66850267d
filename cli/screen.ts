/** Where the command line writes, and a block of lines at its end that is drawn anew. */

/** What a command writes to; tests give their own. */
export interface Screen {
  /** Results: standard output. */
  out(line: string): void;
  /** Everything else: standard error, as it is, without a line feed added. */
  err(text: string): void;
  /** Whether standard error is a terminal: only then are lines drawn anew. */
  readonly live: boolean;
  /** Whether colours are welcome there. */
  readonly colours: boolean;
  /** Size of the terminal in characters. */
  size(): { readonly columns: number; readonly rows: number };
}

/** The process's own streams. */
export function processScreen(): Screen {
  const encoder = new TextEncoder();
  const live = Deno.stderr.isTerminal();
  return {
    out: (line) => console.log(line),
    err: (text) => writeAll(encoder.encode(text)),
    live,
    colours: live && !Deno.noColor,
    size() {
      try {
        return Deno.consoleSize();
      } catch {
        return { columns: 80, rows: 24 };
      }
    },
  };
}

function writeAll(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += Deno.stderr.writeSync(bytes.subarray(done));
}

/** The last lines of a terminal, drawn anew in place; ordinary lines are put above them. */
export class LiveBlock {
  readonly #screen: Screen;
  #lines: readonly string[] = [];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Replaces the block. Each line must be narrower than the terminal. */
  draw(lines: readonly string[]): void {
    const erase = this.#lines.length > lines.length ? "\x1b[J" : "";
    this.#screen.err(this.#home() + erase + lines.map((line) => `${line}\x1b[K`).join("\r\n"));
    this.#lines = lines;
  }

  /** Puts a line above the block. */
  print(line: string): void {
    const lines = this.#lines;
    this.clear();
    this.#screen.err(`${line}\n`);
    if (lines.length) this.draw(lines);
  }

  /** Takes the block away. */
  clear(): void {
    if (this.#lines.length) this.#screen.err(`${this.#home()}\x1b[J`);
    this.#lines = [];
  }

  /** Ends the block: it stays, and writing goes on below it. */
  end(): void {
    if (this.#lines.length) this.#screen.err("\n");
    this.#lines = [];
  }

  /** To the beginning of the block's first line. */
  #home(): string {
    const up = this.#lines.length - 1;
    return up > 0 ? `\r\x1b[${up}A` : "\r";
  }
}
