/** The memory plan of a pipeline: shown by `doctor`, and looked at before `generate` loads anything. */
import type { Config } from "../pipeline/config.ts";
import { UserError } from "../pipeline/errors.ts";
import { planMemory, type PlannedStage } from "../pipeline/plan_memory.ts";
import { size } from "./progress.ts";
import { table } from "./table.ts";

/** Bytes of the program itself: Deno, ONNX Runtime, FFmpeg. */
const PROGRAM = 250e6;

/** A plan, and what it comes to on each device. */
export interface MemoryPlan {
  readonly stages: readonly PlannedStage[];
  /** Bytes by device, estimates included; the largest activations alone count, for stages take turns on a device. */
  readonly peaks: Readonly<Record<string, number>>;
}

/** What a pipeline will hold where. */
export async function memoryPlan(config: Config, device?: string): Promise<MemoryPlan> {
  const stages = await planMemory(config.stages.map(({ spec }) => spec), {
    device: device ?? config.device ?? "cpu",
    directory: Deno.cwd(),
  });
  const peaks: Record<string, number> = {};
  for (const name of new Set(["cpu", ...stages.map(({ device }) => device)])) {
    const parts = stages.filter(({ device }) => device === name).flatMap(({ parts }) => parts);
    const held = parts.filter(({ estimated }) => !estimated);
    const guessed = parts.filter(({ estimated }) => estimated).map(({ bytes }) => bytes);
    const program = name === "cpu" ? PROGRAM : 0;
    peaks[name] = program + sum(held.map(({ bytes }) => bytes)) + Math.max(0, ...guessed);
  }
  return { stages, peaks };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** The plan for people. */
export function memoryLines({ stages, peaks }: MemoryPlan): string[] {
  const rows = stages.flatMap(({ stage, device, parts }) =>
    parts.map(({ name, bytes, detail = "", estimated }) => [
      `${stage}, ${device}`,
      name,
      `${estimated ? "about " : ""}${size(bytes)}`,
      detail,
    ])
  );
  const memory = memoryOfMachine();
  return [
    ...table([...rows, ["the program, cpu", "", `about ${size(PROGRAM)}`, ""]]),
    ...Object.entries(peaks).map(([device, bytes]) => {
      const there = device === "cpu" && memory !== undefined
        ? ` of ${size(memory.total)}, ${size(memory.available)} free`
        : "";
      return `peak on ${device}: about ${size(bytes)}${there}`;
    }),
  ];
}

/** Bytes of the machine's memory; undefined without the permission to ask. */
function memoryOfMachine(): { readonly total: number; readonly available: number } | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo() : undefined;
}

/**
 * Refuses a pipeline that cannot fit into the machine's memory.
 *
 * @param total bytes of memory; asked of the machine where left out
 * @throws {UserError} which names the largest parts and what to change.
 */
export async function checkMemory(
  config: Config,
  device: string | undefined,
  total = memoryOfMachine()?.total,
): Promise<void> {
  // The embedded model fits anywhere, and its first pictures are not to wait for this.
  const published = config.stages.some(({ spec }) =>
    (spec.options as { readonly weights?: unknown }).weights !== undefined
  );
  if (total === undefined || !published) return;
  const plan = await memoryPlan(config, device);
  const needed = plan.peaks.cpu ?? 0;
  if (needed <= total) return;
  const parts = plan.stages.filter(({ device }) => device === "cpu").flatMap(({ stage, parts }) =>
    parts.map((part) => ({ ...part, stage }))
  ).toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  const largest = parts.map(({ stage, name, bytes }) => `${stage}'s ${name} ${size(bytes)}`);
  throw new UserError(
    `The pipeline "${config.name}" does not fit into this machine: it needs about ${
      size(needed)
    } of memory ` +
      `and there are ${size(total)}. The most take ${largest.join(", ")}. ${
        waysOut(config, plan)
      } ` +
      `All of it: sluice doctor --config ${config.file}. To try all the same: --overcommit.`,
  );
}

/** What would make it smaller, of what this pipeline has. */
function waysOut(config: Config, { stages }: MemoryPlan): string {
  const ways: string[] = [];
  for (const { spec } of config.stages) {
    const { name } = spec.plugin;
    const { window, chunk, height, width, network } = spec.options as Record<string, unknown>;
    const cache = stages.find(({ stage }) => stage === name)?.parts.find((part) =>
      part.name === "key-value cache"
    );
    if (cache && typeof window === "number" && typeof chunk === "number" && window > 3 * chunk) {
      const fewer = 3 * chunk;
      const saved = cache.bytes * (1 - fewer / window);
      ways.push(`a shorter memory (--set ${name}.window=${fewer} saves ${size(saved)})`);
    }
    if (cache) {
      const now = typeof height === "number" && typeof width === "number"
        ? `, now ${width} × ${height}`
        : "";
      ways.push(`smaller pictures (--set ${name}.height=… --set ${name}.width=…${now})`);
    }
    if (network === "wan2.1-vae") ways.push("the decoder taew2.1");
  }
  ways.push("another device for a stage (--set <stage>.device=…)");
  return `Ways out: ${ways.join(", ")}.`;
}
