import { z } from "zod";
import { type DataKinds, definePlugin, type RunContext, type Stage } from "../../pipeline/mod.ts";

declare module "../../pipeline/data.ts" {
  interface DataKinds {
    number: number;
    text: string;
  }
}

type Kinds = keyof DataKinds;

/** A stage from a generator function; `log` is told when it is freed. */
export function stageOf<In extends Kinds, Out extends Kinds>(
  name: string,
  takes: In,
  gives: Out,
  process: (
    input: AsyncIterable<DataKinds[In]>,
    context: RunContext,
  ) => AsyncIterable<DataKinds[Out]>,
  dispose: () => void | Promise<void> = () => {},
): Stage<In, Out> {
  return {
    name,
    takes,
    gives,
    process,
    [Symbol.asyncDispose]: async () => void await dispose(),
  };
}

/** A plugin without options around `stageOf`. */
export function specOf<In extends Kinds, Out extends Kinds>(
  name: string,
  takes: In,
  gives: Out,
  process: (
    input: AsyncIterable<DataKinds[In]>,
    context: RunContext,
  ) => AsyncIterable<DataKinds[Out]>,
  dispose?: () => void | Promise<void>,
) {
  return definePlugin({
    name,
    summary: `${takes} to ${gives}`,
    takes,
    gives,
    options: z.object({}),
    create: () => stageOf(name, takes, gives, process, dispose),
  })();
}

/** Gives 1 … count for each number it takes, as a generating stage does: asks before each, heeds `stop`. */
export function counting(count: number, log: string[] = [], name = "count") {
  return specOf(name, "number", "number", async function* (input, context) {
    try {
      for await (const from of input) {
        for (let i = 0; i < count; i++) {
          await context.whenRunning();
          if (context.stop.aborted) return;
          context.signal.throwIfAborted();
          log.push(`${name} ${from + i}`);
          yield from + i;
        }
      }
    } finally {
      log.push(`${name} cleaned`);
    }
  }, () => void log.push(`${name} freed`));
}

/** Applies `change` to each number. */
export function mapping(
  name: string,
  change: (value: number, context: RunContext) => number | Promise<number>,
  log: string[] = [],
) {
  return specOf(name, "number", "number", async function* (input, context) {
    try {
      for await (const value of input) {
        const result = await change(value, context);
        log.push(`${name} ${result}`);
        yield result;
      }
    } finally {
      log.push(`${name} cleaned`);
    }
  }, () => void log.push(`${name} freed`));
}

/** Settles after `ms`, or rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", quit);
      resolve();
    }, ms);
    function quit() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    if (signal?.aborted) quit();
    signal?.addEventListener("abort", quit, { once: true });
  });
}
