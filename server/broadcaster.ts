/** One stream of media for any number of clients, none of which can slow it or another. */

/** A piece of a stream. */
export interface Segment {
  readonly data: Uint8Array;
  /** Whether a player may start here. */
  readonly key: boolean;
  /** Whether it opens the stream: nothing can be played without it. */
  readonly init?: boolean;
}

/** Bounds of a broadcast. */
export interface BroadcastLimits {
  /** Bytes that may wait for one client; beyond, it misses segments up to the next key. */
  readonly client?: number;
  /** Bytes kept for those who join late: the newest key segment and what follows it. */
  readonly group?: number;
  /** Clients at a time. */
  readonly clients?: number;
}

/**
 * Passes segments on as they come. A client gets the init segment, then the newest group: the newest key
 * segment and what followed it. A client that does not keep up misses segments until the next key one,
 * where its player can go on.
 */
export class Broadcaster {
  readonly #limits: Required<BroadcastLimits>;
  readonly #clients = new Set<Client>();
  #init: Uint8Array | undefined;
  #group: Segment[] = [];
  #groupBytes = 0;
  #ended = false;

  constructor({ client = 2 << 20, group = client, clients = 64 }: BroadcastLimits = {}) {
    this.#limits = { client, group, clients };
  }

  /** Clients that read. */
  get size(): number {
    return this.#clients.size;
  }

  /** Bytes that wait for clients, those shared by several counted for each. */
  get waiting(): number {
    return [...this.#clients].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Segments that clients missed so far. */
  missed = 0;

  /** Whether the stream is over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether another client may join. */
  get full(): boolean {
    return this.#clients.size >= this.#limits.clients;
  }

  /** Gives what opens the stream; once, before any segment. */
  open(init: Uint8Array): void {
    this.#init = init;
    for (const client of this.#clients) client.push({ data: init, key: true, init: true });
  }

  /** Passes a segment on; never waits. */
  push(segment: Segment): void {
    if (segment.key) {
      this.#group = [];
      this.#groupBytes = 0;
    }
    // Without its key segment a group is of no use, and one too large is not kept for anybody.
    if (segment.key || this.#group.length > 0) {
      this.#group.push(segment);
      this.#groupBytes += segment.data.length;
      if (this.#groupBytes > this.#limits.group) this.#group = [];
    }
    for (const client of this.#clients) this.missed += client.push(segment);
  }

  /** Ends the stream: clients get what waits for them, then their end. */
  end(): void {
    this.#ended = true;
    this.#group = [];
    for (const client of this.#clients) client.end();
  }

  /**
   * The stream for a further client.
   *
   * @throws {RangeError} where there are too many.
   */
  join(): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.full) {
      throw new RangeError(`More than ${this.#limits.clients} clients read this stream.`);
    }
    const client = new Client(this.#limits.client, () => this.#clients.delete(client));
    if (this.#init !== undefined) {
      client.push({ data: this.#init, key: true, init: true });
    }
    for (const segment of this.#group) client.push(segment);
    if (this.#ended) client.end();
    else this.#clients.add(client);
    return client.stream;
  }
}

class Client {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #limit: number;
  #queue: Segment[] = [];
  #skipping = false;
  #ended = false;
  #cancelled = false;
  #wake: (() => void) | undefined;
  /** Bytes that wait. */
  bytes = 0;

  constructor(limit: number, left: () => void) {
    this.#limit = limit;
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        while (this.#queue.length === 0 && !this.#ended) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
        const next = this.#queue.shift();
        if (next !== undefined) {
          this.bytes -= next.data.length;
          controller.enqueue(next.data as Uint8Array<ArrayBuffer>);
          return;
        }
        left();
        if (!this.#cancelled) controller.close();
      },
      cancel: () => {
        this.#cancelled = true;
        this.#queue = [];
        this.bytes = 0;
        this.#ended = true;
        this.#wake?.();
        left();
      },
      // Nothing is taken from the queue before the client asks for it.
    }, { highWaterMark: 0 });
  }

  /** Puts a segment into the queue; gives how many segments are missed for it. */
  push(segment: Segment): number {
    if (this.#ended) return 0;
    if (this.#skipping && !segment.key) return 1;
    this.#skipping = false;
    let missed = 0;
    if (this.bytes > 0 && this.bytes + segment.data.length > this.#limit) {
      // What waits can be played to here; the next key segment takes its place, if it still waits then.
      if (!segment.key) {
        this.#skipping = true;
        return 1;
      }
      const kept = this.#queue.filter(({ init }) => init);
      missed = this.#queue.length - kept.length;
      this.#queue = kept;
      this.bytes = kept.reduce((sum, { data }) => sum + data.length, 0);
    }
    this.#queue.push(segment);
    this.bytes += segment.data.length;
    this.#wake?.();
    return missed;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
