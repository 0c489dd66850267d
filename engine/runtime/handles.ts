/** What is open: counted by kind, so that a test can show that nothing was left. */

/** A kind of thing that holds native memory or a thread. */
export type HandleKind = "device" | "session" | "binding" | "tensor" | "value" | "executor";

const live: Record<HandleKind, number> = {
  device: 0,
  session: 0,
  binding: 0,
  tensor: 0,
  value: 0,
  executor: 0,
};

/**
 * How many of each kind are open now. `value` counts ONNX Runtime's own handles of tensors, which outlive
 * a disposed tensor while a binding or a run still uses them.
 */
export function liveHandles(): Readonly<Record<HandleKind, number>> {
  return { ...live };
}

let onLeak = (what: string): void => {
  // deno-lint-ignore sluice/only-cli-prints -- a collected object has no caller to tell
  console.warn(`${what} was never closed`);
};

/** Sets what is told of a device that was garbage-collected while open; by default a console warning. */
export function setLeakReporter(report: (what: string) => void): void {
  onLeak = report;
}

/** Tells of something that nobody can close any more. */
export function reportLeak(what: string): void {
  onLeak(what);
}

const registry = new FinalizationRegistry<() => void>((collected) => collected());

/** Counts one until the returned function is called, which may be called often. */
export function count(kind: HandleKind): () => void {
  let open = true;
  live[kind]++;
  return () => {
    if (open) live[kind]--;
    open = false;
  };
}

/**
 * Counts an object until the returned function is called. `collected`, which must not refer to the object,
 * is called if it is garbage-collected before.
 */
export function track(kind: HandleKind, object: object, collected: () => void): () => void {
  const uncount = count(kind);
  const token = {};
  registry.register(object, collected, token);
  return () => {
    registry.unregister(token);
    uncount();
  };
}
