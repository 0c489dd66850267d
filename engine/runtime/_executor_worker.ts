/** Runs in a Worker: makes the calls it is sent, one batch after another, and answers. */

import type { Name } from "./_api.ts";
import { OrtError } from "./errors.ts";
import { type Native, openNative } from "./_native.ts";

/** One call: a function's name and its arguments, addresses and numbers only. */
export type RawCall = readonly [name: Name, args: readonly (bigint | number)[]];

/** The first message names the library; the others are batches. */
export type Request =
  | { readonly library: string }
  | { readonly calls: readonly RawCall[] };

/** The result of the batch's last call, or the error that ended it; seconds spent inside the calls. */
export type Reply =
  | { readonly result: bigint | number | undefined; readonly seconds: number }
  | { readonly failed: Failure };

/** An error in a form that travels. */
export type Failure =
  | { readonly function: string; readonly code: number; readonly message: string }
  | { readonly message: string };

interface Scope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(reply: Reply): void;
}

const scope = self as unknown as Scope;
let native: Native | undefined;

scope.onmessage = ({ data }) => {
  try {
    const start = performance.now();
    let result: bigint | number | undefined;
    if ("library" in data) native = openNative(data.library);
    else for (const [name, args] of data.calls) result = native!.callRaw(name, args);
    scope.postMessage({ result, seconds: (performance.now() - start) / 1000 });
  } catch (error) {
    scope.postMessage({
      failed: error instanceof OrtError
        ? { function: error.function, code: error.number, message: error.detail }
        : { message: String((error as Error).message ?? error) },
    });
  }
};
