/** A run's events as server-sent events. */
import { type EventLog, type LoggedEvent, unlessAborted } from "./event_log.ts";

/** Milliseconds between signs of life: proxies and browsers give up on silence. */
const HEARTBEAT = 15_000;

/** Milliseconds after which a browser comes back. */
const RETRY = 1000;

/**
 * The events of a log after number `after`, as `text/event-stream`. What a client does not read stays in
 * the log, which is bounded.
 */
export function eventStream(
  log: EventLog,
  after: number | undefined,
  heartbeat = HEARTBEAT,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const encoder = new TextEncoder();
  const events = log.listen(after, abort.signal);
  let next: Promise<IteratorResult<LoggedEvent, void>> | undefined;
  let open = true;
  const close = () => {
    open = false;
    abort.abort();
    // One that was never asked for an event must be told too.
    events.return();
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY}\n\n`)),
    async pull(controller) {
      next ??= events.next();
      const result = await within(next, heartbeat);
      if (!open) return;
      if (result === undefined) return controller.enqueue(encoder.encode(": alive\n\n"));
      next = undefined;
      if (!result.done) return controller.enqueue(encoder.encode(format(result.value)));
      close();
      controller.close();
    },
    cancel: close,
  });
}

function format({ id, event }: LoggedEvent): string {
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** `promise`, or nothing once that time has passed. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), ms);
  let value: T | undefined;
  try {
    await unlessAborted(promise.then((result) => void (value = result)), timer.signal);
    return value;
  } finally {
    clearTimeout(timeout);
  }
}

/** The number in a `Last-Event-ID` header, if it is one. */
export function lastEventId(headers: Headers): number | undefined {
  const text = headers.get("last-event-id") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
