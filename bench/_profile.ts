/** Reads ONNX Runtime's profile. */

import { fixed, table } from "./_bench.ts";

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur?: number;
  readonly args?: { readonly op_name?: string };
}

/** Prints milliseconds a run by operator, the most expensive first. */
export async function profileTable(path: string): Promise<void> {
  const events = JSON.parse(await Deno.readTextFile(path)) as ProfileEvent[];
  const runs = events.filter(({ name }) => name === "model_run").length;
  const byOperator = new Map<string, { count: number; ms: number }>();
  for (const { cat, name, dur = 0, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const operator = args?.op_name ?? name;
    const sum = byOperator.get(operator) ?? { count: 0, ms: 0 };
    byOperator.set(operator, { count: sum.count + 1, ms: sum.ms + dur / 1000 });
  }
  const total = [...byOperator.values()].reduce((sum, { ms }) => sum + ms, 0);
  const rows = [...byOperator].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 14).map((
    [operator, { count, ms }],
  ) => [operator, fixed(count / runs, 0), fixed(ms / runs, 3), `${fixed(100 * ms / total, 1)}%`]);
  table(["operator", "nodes", "ms a run", "share"], rows);
}
