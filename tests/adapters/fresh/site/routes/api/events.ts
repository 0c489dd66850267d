import { bus, define } from "../../utils.ts";

export const handler = define.handlers({
  GET() {
    const encoder = new TextEncoder();
    const done = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        bus.addEventListener("job", (event) => {
          const data = JSON.stringify((event as CustomEvent).detail);
          controller.enqueue(encoder.encode(`event: job\ndata: ${data}\n\n`));
        }, { signal: done.signal });
        controller.enqueue(encoder.encode("retry: 1000\n\n"));
      },
      cancel: () => done.abort(),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});
