/** Feeds a video element with a stream, piece by piece, as it comes. */
import { evictable, type Range } from "./live_edge.ts";

/** What a feed tells. */
export interface FeedCalls {
  /** The stream is over and all of it is here. */
  readonly ended: () => void;
  /** It broke off. */
  readonly lost: () => void;
  /** The browser has no decoder for it. */
  readonly unplayable: () => void;
}

/** Milliseconds to wait where the browser has no room until more has been played. */
const FULL = 500;

/** A stream on its way into a video element. */
export class Feed {
  readonly #video: HTMLVideoElement;
  readonly #calls: FeedCalls;
  readonly #abort = new AbortController();
  readonly #source: MediaSource = new MediaSource();
  readonly #address: string;

  /**
   * @param url Address of the stream; asked for at once, so that its beginning is not missed.
   * @param type Its MIME type, as soon as that is known.
   */
  constructor(video: HTMLVideoElement, url: string, type: Promise<string>, calls: FeedCalls) {
    this.#video = video;
    this.#calls = calls;
    this.#address = URL.createObjectURL(this.#source);
    const opened = new Promise<void>((resolve) =>
      this.#source.addEventListener("sourceopen", () => resolve(), { once: true })
    );
    video.src = this.#address;
    this.#run(url, type, opened);
  }

  /** Lets go of everything; the element keeps its last picture until it is given something else. */
  close(): void {
    this.#abort.abort();
    URL.revokeObjectURL(this.#address);
  }

  async #run(url: string, type: Promise<string>, opened: Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    try {
      const response = await fetch(url, { signal });
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      const [mime] = await Promise.all([type, opened]);
      if (signal.aborted) return;
      if (!MediaSource.isTypeSupported(mime)) {
        this.close();
        return this.#calls.unplayable();
      }
      const buffer = this.#source.addSourceBuffer(mime);
      for await (const bytes of readAll(response.body)) {
        await this.#append(buffer, bytes);
        if (signal.aborted) return;
      }
      if (this.#source.readyState === "open") this.#source.endOfStream();
      this.#calls.ended();
    } catch {
      if (!signal.aborted) this.#calls.lost();
    }
  }

  async #append(buffer: SourceBuffer, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const old = evictable(this.#video.currentTime, rangesOf(buffer.buffered));
      if (old !== undefined) {
        buffer.remove(old.start, old.end);
        await settled(buffer);
      }
      try {
        buffer.appendBuffer(bytes);
        return await settled(buffer);
      } catch (error) {
        if (!(error instanceof DOMException && error.name === "QuotaExceededError")) throw error;
        await new Promise((resolve) => setTimeout(resolve, FULL));
      }
    }
  }
}

/** Ranges as plain data. */
export function rangesOf(ranges: TimeRanges): Range[] {
  return Array.from(
    { length: ranges.length },
    (_, i) => ({ start: ranges.start(i), end: ranges.end(i) }),
  );
}

/** The pieces of a body. Safari's streams are not iterable. */
async function* readAll(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

function settled(buffer: SourceBuffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const done = (settle: () => void) => () => {
      stop.abort();
      settle();
    };
    const { signal } = stop;
    buffer.addEventListener("updateend", done(resolve), { signal });
    buffer.addEventListener("error", done(() => reject(new Error("not decodable"))), { signal });
  });
}
