/** Which prompt is followed when: what arrives while a run goes on, and what was told beforehand. */

import type { Conditioning, LaterConditioning } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import type { Newest } from "../../pipeline/newest.ts";

/** What a programme belongs to. */
export interface ProgrammeOptions {
  /** Number of the first picture of the run's last chunk; infinite in an endless run. */
  readonly last: number;
  /** Told what is never seen. */
  readonly report: (event: StageEvent) => void;
}

/**
 * The conditionings of a run. One that arrives is followed from the next chunk on, and replaces what the one before
 * it had for later; what it has for later itself begins with a picture of the video, so that it does not matter how
 * fast stages are and how far they read ahead.
 */
export class Programme {
  readonly #arriving: Newest<Conditioning>;
  readonly #options: ProgrammeOptions;
  #later: readonly LaterConditioning[];

  /**
   * @param first the conditioning that the run begins with
   * @throws {UserError} if something of it would never be followed
   */
  constructor(arriving: Newest<Conditioning>, first: Conditioning, options: ProgrammeOptions) {
    const problem = neverFollowed(first, options.last);
    if (problem !== undefined) throw new UserError(problem);
    this.#arriving = arriving;
    this.#options = options;
    this.#later = first.then ?? [];
  }

  /**
   * What to follow from a chunk on, if it is another than before. To be asked once for each chunk.
   *
   * @param picture number of the chunk's first picture
   */
  at(picture: number): Conditioning | LaterConditioning | undefined {
    const { last, report } = this.#options;
    const arrived = this.#arriving.take();
    if (arrived) {
      this.#later = arrived.then ?? [];
      const message = neverFollowed(arrived, last);
      if (message !== undefined) report({ type: "warning", message });
    }
    const due = this.#later.filter(({ from }) => from <= picture);
    this.#later = this.#later.slice(due.length);
    const [next, ...missed] = [...(arrived ? [arrived] : []), ...due].reverse();
    for (const { prompt } of missed) {
      const message =
        `The prompt ${JSON.stringify(prompt.text)} is not seen: no chunk begins before ` +
        `${JSON.stringify(next!.prompt.text)} takes its place.`;
      report({ type: "warning", message });
    }
    return next;
  }
}

function neverFollowed({ then = [] }: Conditioning, last: number): string | undefined {
  const late = then.find(({ from }) => from > last);
  return late &&
    `The prompt ${
        JSON.stringify(late.prompt.text)
      } begins with picture ${late.from} and the video's last chunk ` +
      `with picture ${last}: it would never be followed. Let it begin earlier, or make the video longer.`;
}
