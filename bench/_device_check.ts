/** One check of a device: what it gives, what is allowed, and how it is run without taking the others down with it. */

import type { AttentionKind, Precision } from "../engine/networks/mod.ts";
import type { Device } from "../engine/runtime/mod.ts";

/** Where checks run, and what is known of it. */
export interface Bench {
  /** What is checked. */
  readonly device: Device;
  /** A CPU of its own, in float32: what is right. */
  readonly reference: Device;
  /** Whether `float16Works`. */
  readonly float16: boolean;
  /** Whether `fusedAttentionWorks`. */
  readonly attention: AttentionKind;
  /** Small sizes: seconds on a CPU or a software adapter. */
  readonly quick: boolean;
}

/** What a check gives. */
export interface Outcome {
  /** Largest error as a share of the largest value that is expected; infinite where a value is no number. */
  readonly error: number;
  /** Largest error that is allowed. */
  readonly allowed: number;
  /** Of pictures: peak signal to noise in dB, and the least that is allowed. */
  readonly psnr?: number;
  readonly leastPsnr?: number;
  /** Milliseconds of the first run, kernels compiled and chosen, and of one after it. */
  readonly firstMs?: number;
  readonly steadyMs?: number;
  /** What else is to be said; of a check that fails, what the likely reason is. */
  readonly note?: string;
  /** Whether nothing uses it on this device, so that it may be wrong. */
  readonly unused?: boolean;
}

/** One check. */
export interface Check {
  /** What the short table has a line for. */
  readonly group: string;
  readonly name: string;
  /** Element type, where the device must have it. */
  readonly dtype?: Precision;
  run(bench: Bench): Promise<Outcome>;
}

/**
 * `NO`: further off than allowed, or it threw. `absent`: the device has no 16-bit floats. `unused`: wrong, but nothing
 * uses it there.
 */
export type Verdict = "ok" | "NO" | "absent" | "unused";

/** A line of the long table. */
export interface Row extends Partial<Outcome> {
  readonly group: string;
  readonly name: string;
  readonly dtype?: Precision;
  readonly verdict: Verdict;
  /** Of a check that threw: what it said. */
  readonly problem?: string;
}

/** Whether what a check gave is within what is allowed. Numbers that are none never are. */
export function isRight({ error, allowed, psnr, leastPsnr }: Outcome): boolean {
  return error <= allowed && (leastPsnr === undefined || psnr! >= leastPsnr);
}

/**
 * Runs checks one after another, each on its own: what one throws is its row. A check that does not end within the
 * limit holds the device's thread, so that none can follow: the last row says so.
 *
 * @param told of each row as it comes
 * @param limit seconds of one check
 */
export async function runChecks(
  checks: readonly Check[],
  bench: Bench,
  told: (row: Row) => void | Promise<void> = () => {},
  limit = 300,
): Promise<{ readonly rows: readonly Row[]; readonly stuck: boolean }> {
  const rows: Row[] = [];
  for (const check of checks) {
    const row = await runCheck(check, bench, limit);
    rows.push(row);
    await told(row);
    if (row.problem?.startsWith(STUCK)) return { rows, stuck: true };
  }
  return { rows, stuck: false };
}

const STUCK = "not over after";

async function runCheck(check: Check, bench: Bench, limit: number): Promise<Row> {
  const { dtype } = check;
  const what = { group: check.group, name: check.name, ...(dtype && { dtype }) };
  // On CUDA a probe that fails has found a fault, and which float16 rows fail tells where it is.
  if (dtype === "float16" && !bench.float16 && bench.device.kind !== "cuda") {
    return { ...what, verdict: "absent", note: "no 16-bit floats" };
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${STUCK} ${limit} s: the device hangs, and the checks behind are left out`;
    timer = setTimeout(() => reject(new Error(message)), limit * 1000);
  });
  try {
    const outcome = await Promise.race([check.run(bench), late]);
    const verdict = isRight(outcome) ? "ok" : outcome.unused ? "unused" : "NO";
    return { ...what, verdict, ...outcome };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { ...what, verdict: "NO", problem };
  } finally {
    clearTimeout(timer);
  }
}

/** A line of the short table: the worst of a group. */
export interface GroupSummary {
  readonly group: string;
  readonly verdict: Verdict;
  /** How many are right, and how many there are, absent ones left out. */
  readonly right: number;
  readonly count: number;
  /** Largest error of those that nothing says may be wrong, and how near to what is allowed the nearest came. */
  readonly worst: number;
  readonly share: number;
  /** Sum of the steady milliseconds; of what was run once, of that. */
  readonly ms: number;
}

/** One line a group, in the order they came in. */
export function summarize(rows: readonly Row[]): GroupSummary[] {
  return [...Map.groupBy(rows, ({ group }) => group)].map(([group, all]) => {
    const tried = all.filter(({ verdict }) => verdict !== "absent" && verdict !== "unused");
    const verdict = tried.some(({ verdict }) => verdict === "NO")
      ? "NO"
      : tried.length > 0
      ? "ok"
      : all.some(({ verdict }) => verdict === "unused")
      ? "unused"
      : "absent";
    const errors = tried.map(({ error = Infinity }) => Number.isNaN(error) ? Infinity : error);
    const shares = tried.map(({ allowed = 0 }, i) => errors[i] === 0 ? 0 : errors[i]! / allowed);
    return {
      group,
      verdict,
      right: tried.filter(({ verdict }) => verdict === "ok").length,
      count: tried.length,
      worst: Math.max(0, ...errors),
      share: Math.max(0, ...shares),
      ms: all.reduce((sum, { firstMs = 0, steadyMs = firstMs }) => sum + steadyMs, 0),
    };
  });
}

/** What the process ends with. */
export function exitCodeOf(rows: readonly Row[]): 0 | 1 {
  return rows.length > 0 && rows.every(({ verdict }) => verdict !== "NO") ? 0 : 1;
}
