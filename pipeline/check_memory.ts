/** Whether a pipeline fits into the machine's memory, reckoned before anything is loaded. */
import { showBytes } from "./bytes.ts";
import { UserError } from "./errors.ts";
import { planMemory, type PlannedStage } from "./plan_memory.ts";
import type { StageSpec } from "./plugin.ts";

/** Bytes of the program itself: Deno, ONNX Runtime, FFmpeg. */
export const PROGRAM_BYTES = 250e6;

/** A plan, and what it comes to on each device. */
export interface MemoryPlan {
  /** In the order data flows. */
  readonly stages: readonly PlannedStage[];
  /** Bytes by device, estimates included; the largest activations alone count, for stages take turns on a device. */
  readonly peaks: Readonly<Record<string, number>>;
}

/** What a pipeline will hold where; `device` is what stages use that name none. */
export async function memoryPlan(
  pipeline: readonly StageSpec[],
  device = "cpu",
): Promise<MemoryPlan> {
  const stages = await planMemory(pipeline, { device, directory: Deno.cwd() });
  const peaks: Record<string, number> = {};
  for (const name of new Set(["cpu", ...stages.map(({ device }) => device)])) {
    const parts = stages.filter(({ device }) => device === name).flatMap(({ parts }) => parts);
    const held = parts.filter(({ estimated }) => !estimated);
    const guessed = parts.filter(({ estimated }) => estimated).map(({ bytes }) => bytes);
    const program = name === "cpu" ? PROGRAM_BYTES : 0;
    peaks[name] = program + sum(held.map(({ bytes }) => bytes)) + Math.max(0, ...guessed);
  }
  return { stages, peaks };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** Bytes of the machine's memory; undefined without the permission to ask. */
export function memoryOfMachine():
  | { readonly total: number; readonly available: number }
  | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo() : undefined;
}

/** How a pipeline's memory is checked, and told of. */
export interface MemoryCheck {
  /** The pipeline's device. Default: `cpu`. */
  readonly device?: string | undefined;
  /** Bytes of memory. Default: the machine's; where that may not be asked, nothing is refused. */
  readonly total?: number | undefined;
  /** How the ways out are told: those of the command line are others than those of a page. */
  readonly ways: {
    /** How an option is changed; given `stage.option=value`. */
    readonly set: (setting: string) => string;
    /** Sentences at the end: where all of the plan is seen, and how to try all the same. */
    readonly end: string;
  };
}

/**
 * Refuses a pipeline that cannot fit into the machine's memory.
 *
 * @param name the pipeline's, for the message
 * @throws {UserError} which names the largest parts and what to change.
 */
export async function checkMemory(
  name: string,
  pipeline: readonly StageSpec[],
  { device, total = memoryOfMachine()?.total, ways }: MemoryCheck,
): Promise<void> {
  // The embedded model fits anywhere, and its first pictures are not to wait for this.
  const published = pipeline.some(({ options }) =>
    (options as { readonly weights?: unknown }).weights !== undefined
  );
  if (total === undefined || !published) return;
  const plan = await memoryPlan(pipeline, device);
  const needed = plan.peaks.cpu ?? 0;
  if (needed <= total) return;
  const parts = plan.stages.filter(({ device }) => device === "cpu").flatMap(({ stage, parts }) =>
    parts.map((part) => ({ ...part, stage }))
  ).toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  const largest = parts.map(({ stage, name, bytes }) => `${stage}'s ${name} ${showBytes(bytes)}`);
  throw new UserError(
    `The pipeline "${name}" does not fit into this machine: it needs about ${
      showBytes(needed)
    } of memory ` +
      `and there are ${showBytes(total)}. The most take ${largest.join(", ")}. ${
        waysOut(pipeline, plan, ways.set)
      } ${ways.end}`,
  );
}

/** What would make it smaller, of what this pipeline has. */
function waysOut(
  pipeline: readonly StageSpec[],
  { stages }: MemoryPlan,
  set: MemoryCheck["ways"]["set"],
): string {
  const ways: string[] = [];
  for (const { plugin: { name }, options } of pipeline) {
    const { window, chunk, height, width, network } = options as Record<string, unknown>;
    const cache = stages.find(({ stage }) => stage === name)?.parts.find((part) =>
      part.name === "key-value cache"
    );
    if (cache && typeof window === "number" && typeof chunk === "number" && window > 3 * chunk) {
      const fewer = 3 * chunk;
      const saved = cache.bytes * (1 - fewer / window);
      ways.push(`a shorter memory (${set(`${name}.window=${fewer}`)} saves ${showBytes(saved)})`);
    }
    if (cache) {
      const now = typeof height === "number" && typeof width === "number"
        ? `, now ${width} × ${height}`
        : "";
      ways.push(`smaller pictures (${set(`${name}.height=…`)} ${set(`${name}.width=…`)}${now})`);
    }
    if (network === "wan2.1-vae") ways.push("the decoder taew2.1");
  }
  ways.push(`another device for a stage (${set("<stage>.device=…")})`);
  return `Ways out: ${ways.join(", ")}.`;
}
