/** How far loading a network has come, told to whoever opens the pipeline. */

import type { CreateContext } from "../pipeline/stage.ts";

/** What it is told by; undefined where nobody listens. */
export type ReportLoading = CreateContext["report"];

/** Tells how far a piece of work has come, in bytes; undefined where nobody listens. */
export function progressOf(
  report: ReportLoading,
  work: string,
): ((done: number, total: number) => void) | undefined {
  return report && ((done, total) => report({ work, done, total }));
}

/** Tells that weights are looked through. */
export function checking(
  report: ReportLoading,
): { readonly onProgress?: ReturnType<typeof progressOf> } {
  return report ? { onProgress: progressOf(report, "checking weights") } : {};
}

/** Tells that the runtime has begun to load: it does not say how far it is. */
export function toDevice(report: ReportLoading): void {
  report?.({ work: "onto the device", done: 0, total: 0 });
}
