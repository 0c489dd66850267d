/** Ctrl-C: the first asks, the second insists, the third does not wait. */

/** What to do when the user wants to leave. */
export interface Leaving {
  /** Finish what is begun. */
  stop(): void;
  /** Give up at once. */
  abort(): void;
}

/** The signals that ask a process to end. Windows has no SIGTERM to listen to. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/** Exit code after Ctrl-C, as shells have it: 128 + SIGINT. */
export const INTERRUPTED = 130;

/** Listens until disposed of. */
export function onLeaving(leaving: Leaving): Disposable {
  let times = 0;
  const listen = () => {
    times++;
    if (times === 1) leaving.stop();
    else if (times === 2) leaving.abort();
    else Deno.exit(INTERRUPTED);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, listen);
  return {
    [Symbol.dispose]() {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, listen);
    },
  };
}
