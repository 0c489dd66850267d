/** Values of one draw as the threads of a GPU would draw them. */

import { cosOf, logOf, sinOf } from "./_box_muller.ts";
import type { Draft } from "./draft.ts";
import { philox4x32, type PhiloxWords } from "./philox4x32.ts";

/** Values of one call of the generator: `curand_normal4`. */
export const unroll = 4;

/** Threads looked at together; their words stay in the nearest cache. */
const batch = 1024;
/** Values made before others have a turn: 1 ms on a slow core. */
const turn = 2 ** 14;

/** Which values of which draw. */
export interface PhiloxDraftOptions {
  /** Lower and upper word of the seed. */
  readonly key: readonly [low: number, high: number];
  /** Calls of the generator that each thread had behind it when the draw began. */
  readonly position: number;
  /** Of the grid: the values of a thread lie so many apart. */
  readonly threads: number;
  /** The first value. */
  readonly begin: number;
  /** Behind the last value. */
  readonly end: number;
}

/**
 * A part of a draw. The value at `v` is drawn by thread `v mod threads`, in its row `⌊v / threads⌋`: a call of the
 * generator gives a thread four rows, of which two and two share a radius. All rows of some threads are made before those
 * of others, so that no word is drawn twice.
 */
export class PhiloxDraft implements Draft {
  readonly #options: PhiloxDraftOptions;
  readonly #out: Float32Array<ArrayBuffer>;
  #words: PhiloxWords | undefined;
  #thread = 0;

  constructor(options: PhiloxDraftOptions) {
    this.#options = options;
    this.#out = new Float32Array(options.end - options.begin);
  }

  advance(): boolean {
    const { threads } = this.#options;
    for (let made = 0; this.#thread < threads && made < turn; this.#thread += batch) {
      made += this.#draw(this.#thread, Math.min(batch, threads - this.#thread));
    }
    return this.#thread < threads;
  }

  finish(): Float32Array<ArrayBuffer> {
    while (this.advance());
    return this.#out;
  }

  /** What `count` threads draw; tells how many values that was. */
  #draw(thread: number, count: number): number {
    const { key, position, threads, begin, end } = this.#options;
    const words = this.#words ??= newWords();
    const perCall = threads * unroll;
    let made = 0;
    for (let call = Math.floor(begin / perCall); call * perCall < end; call++) {
      const rows = [0, 1, 2, 3].map((row) => {
        const at = call * perCall + row * threads + thread - begin;
        return { at, from: Math.max(0, -at), to: Math.min(count, this.#out.length - at) };
      }) as [Row, Row, Row, Row];
      if (rows.every(({ from, to }) => from >= to)) continue;
      const counter = position + call;
      philox4x32(counter | 0, Math.floor(counter / 2 ** 32) | 0, thread, 0, ...key, words);
      made += writePairs(this.#out, rows[0], rows[1], words[0], words[1]);
      made += writePairs(this.#out, rows[2], rows[3], words[2], words[3]);
    }
    return made;
  }
}

function newWords(): PhiloxWords {
  return [0, 1, 2, 3].map(() => new Uint32Array(batch)) as unknown as PhiloxWords;
}

/** A row of some threads: where the first one's value lies in the result, and which threads' are wanted. */
interface Row {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

const f = Math.fround;
const angleStep = f(f(2 ** -32) * f(2 * Math.PI));

/** Two normal values from each pair of words; tells how many were wanted. */
function writePairs(
  out: Float32Array,
  sines: Row,
  cosines: Row,
  x: Uint32Array,
  y: Uint32Array,
): number {
  let singly = 0;
  if (sines.from === cosines.from) {
    singly = Math.max(sines.from, Math.min(sines.to, cosines.to));
    writeBoth(out, sines.at, cosines.at, sines.from, singly, x, y);
  }
  writeSines(out, sines.at, Math.max(singly, sines.from), sines.to, x, y);
  writeCosines(out, cosines.at, Math.max(singly, cosines.from), cosines.to, x, y);
  return Math.max(0, sines.to - sines.from) + Math.max(0, cosines.to - cosines.from);
}

// Steps are rounded to float32 where the GPU rounds them. Each loop is whole and sees numbers alone: with rows in it, and
// its steps in functions, it took a sixth longer.

function writeBoth(
  out: Float32Array,
  sines: number,
  cosines: number,
  from: number,
  to: number,
  x: Uint32Array,
  y: Uint32Array,
): void {
  for (let i = from; i < to; i++) {
    const uniform = f(f(x[i]!) * 2 ** -32 + 2 ** -33);
    const angle = f(f(y[i]!) * angleStep + angleStep / 2);
    const radius = f(Math.sqrt(f(-2 * f(logOf(uniform)))));
    out[sines + i] = radius * f(sinOf(angle));
    out[cosines + i] = radius * f(cosOf(angle));
  }
}

function writeSines(
  out: Float32Array,
  at: number,
  from: number,
  to: number,
  x: Uint32Array,
  y: Uint32Array,
): void {
  for (let i = from; i < to; i++) {
    const uniform = f(f(x[i]!) * 2 ** -32 + 2 ** -33);
    const angle = f(f(y[i]!) * angleStep + angleStep / 2);
    out[at + i] = f(Math.sqrt(f(-2 * f(logOf(uniform))))) * f(sinOf(angle));
  }
}

function writeCosines(
  out: Float32Array,
  at: number,
  from: number,
  to: number,
  x: Uint32Array,
  y: Uint32Array,
): void {
  for (let i = from; i < to; i++) {
    const uniform = f(f(x[i]!) * 2 ** -32 + 2 ** -33);
    const angle = f(f(y[i]!) * angleStep + angleStep / 2);
    out[at + i] = f(Math.sqrt(f(-2 * f(logOf(uniform))))) * f(cosOf(angle));
  }
}
