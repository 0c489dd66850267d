/** Pictures in the terminal while they are made. */
import type { Frames } from "../pipeline/data.ts";
import { definePlugin } from "../pipeline/define.ts";
import type { StageSpec } from "../pipeline/plugin.ts";
import { z } from "zod";
import { fit, type Picture, shrink } from "./picture.ts";

/** Name of the stage that lets the preview see the pictures. */
export const TAP = "preview";

/** A stage that passes pictures on as they are, and shows them to `watch` first. */
export function tap(watch: (frames: Frames) => void): StageSpec<"frames", "frames"> {
  const plugin = definePlugin({
    name: TAP,
    summary: "Shows pictures while they pass.",
    takes: "frames",
    gives: "frames",
    options: z.object({}),
    create: () => ({
      name: TAP,
      takes: "frames" as const,
      gives: "frames" as const,
      async *process(input) {
        for await (const frames of input) {
          watch(frames);
          yield frames;
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  });
  return plugin();
}

/** Most pictures kept waiting: where making is so much faster than playing, chunks are skipped. */
const QUEUE = 640;

/**
 * Plays pictures at their own rate, as soon as they are there. It never holds up whoever makes them:
 * they are copied, made small, and wait here.
 */
export class Player {
  readonly #fps: number;
  readonly #room: () => { columns: number; rows: number };
  readonly #show: (picture: Picture) => void;
  readonly #queue: Picture[] = [];
  #playing: Promise<void> | undefined;
  #cancelled = false;
  #wake: () => void = () => {};

  /**
   * @param fps Pictures a second.
   * @param room What the terminal has for a picture, in characters.
   * @param show Draws one.
   */
  constructor(
    fps: number,
    room: () => { columns: number; rows: number },
    show: (picture: Picture) => void,
  ) {
    this.#fps = fps;
    this.#room = room;
    this.#show = show;
  }

  /** Takes a chunk of pictures to play after those before it. */
  push({ data, shape: [count, height, width] }: Frames): void {
    if (this.#cancelled || this.#queue.length + count > QUEUE) return;
    const { columns, rows } = this.#room();
    const bytes = width * height * 3;
    for (let i = 0; i < count; i++) {
      const picture = { data: data.subarray(i * bytes, (i + 1) * bytes), width, height };
      const fitted = fit(picture, columns, rows);
      this.#queue.push(shrink(picture, fitted.width, fitted.height));
    }
    this.#playing ??= this.#play().finally(() => this.#playing = undefined);
  }

  /** Settles when the last picture has had its time. */
  async finish(): Promise<void> {
    await this.#playing;
  }

  /** Shows nothing more. */
  cancel(): void {
    this.#cancelled = true;
    this.#queue.length = 0;
    this.#wake();
  }

  async #play(): Promise<void> {
    let due = performance.now();
    for (let picture = this.#queue.shift(); picture; picture = this.#queue.shift()) {
      this.#show(picture);
      due = Math.max(due + 1000 / this.#fps, performance.now());
      await this.#sleep(due - performance.now());
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
