/** Whether a pipeline fits into the machine's memory, reckoned before anything is loaded. */
import { showBytes } from "./bytes.ts";
import { UserError } from "./errors.ts";
import type { MemoryPart } from "./memory.ts";
import { planMemory, type PlannedStage } from "./plan_memory.ts";
import type { StageSpec } from "./plugin.ts";

/** Bytes of the program itself: Deno, ONNX Runtime, FFmpeg. */
export const PROGRAM_BYTES = 250e6;

/** A plan, and what it comes to on each device. */
export interface MemoryPlan {
  /** In the order data flows. */
  readonly stages: readonly PlannedStage[];
  /**
   * Bytes by device, estimates included, when all is held at once: each session keeps the memory of its activations,
   * and a prompt may come while chunks are made.
   */
  readonly peaks: Readonly<Record<string, number>>;
  /** The same without what is held in passing: while the video is made. */
  readonly lasting: Readonly<Record<string, number>>;
}

/** What a pipeline will hold where; `device` is what stages use that name none. */
export async function memoryPlan(
  pipeline: readonly StageSpec[],
  device = "cpu",
): Promise<MemoryPlan> {
  const stages = await planMemory(pipeline, { device, directory: Deno.cwd() });
  const parts = stages.flatMap((stage) =>
    stage.parts.map((part) => ({ part, at: placeOf(part, stage) }))
  );
  const peaks: Record<string, number> = {};
  const lasting: Record<string, number> = {};
  const places = [...stages.map(({ device }) => device), ...parts.map(({ at }) => at)];
  for (const place of new Set(["cpu", ...places])) {
    const there = parts.filter(({ at }) => at === place).map(({ part }) => part);
    const program = place === "cpu" ? PROGRAM_BYTES : 0;
    peaks[place] = program + sum(there);
    lasting[place] = program + sum(there.filter(({ passing }) => !passing));
  }
  return { stages, peaks, lasting };
}

/** Where a part of a stage is held. */
export function placeOf(part: MemoryPart, stage: PlannedStage): string {
  return part.device ?? stage.device;
}

function sum(parts: readonly MemoryPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
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
  /**
   * Bytes of graphics cards' memory by the names of their devices; those that are not named are not checked. Asked for
   * only where a stage computes elsewhere than on the processor.
   */
  readonly cards?: () => Promise<Readonly<Record<string, number>>>;
  /** How the ways out are told: those of the command line are others than those of a page. */
  readonly ways: {
    /** How an option is changed; given `stage.option=value`. */
    readonly set: (setting: string) => string;
    /** Sentences at the end: where all of the plan is seen, and how to try all the same. */
    readonly end: string;
  };
}

/**
 * Refuses a pipeline that cannot fit into the machine's memory, or into that of a card.
 *
 * @param name the pipeline's, for the message
 * @throws {UserError} which names the largest parts and what to change.
 */
export async function checkMemory(
  name: string,
  pipeline: readonly StageSpec[],
  { device, total = memoryOfMachine()?.total, cards, ways }: MemoryCheck,
): Promise<void> {
  // The embedded model fits anywhere, and its first pictures are not to wait for this.
  const published = pipeline.some(({ options }) =>
    (options as { readonly weights?: unknown }).weights !== undefined
  );
  if (!published) return;
  const plan = await memoryPlan(pipeline, device);
  const elsewhere = Object.keys(plan.peaks).some((place) => place !== "cpu");
  const memory: Readonly<Record<string, number>> = {
    ...(elsewhere && await cards?.()),
    ...(total !== undefined && { cpu: total }),
  };
  const place = Object.keys(plan.peaks).find((place) =>
    plan.peaks[place]! > (memory[place] ?? Infinity)
  );
  if (place === undefined) return;
  const largest = plan.stages.flatMap((stage) =>
    stage.parts.filter((part) => placeOf(part, stage) === place).map(({ name, bytes }) => ({
      what: `${stage.stage}'s ${name} ${showBytes(bytes)}`,
      bytes,
    }))
  ).toSorted((a, b) => b.bytes - a.bytes).slice(0, 3).map(({ what }) => what);
  const where = place === "cpu" ? "this machine" : `the card ${place}`;
  throw new UserError(
    `The pipeline "${name}" does not fit into ${where}: it needs about ${
      showBytes(plan.peaks[place]!)
    } of memory and there are ${showBytes(memory[place]!)}. The most take ${
      largest.join(", ")
    }. ${await waysOut(pipeline, plan, { place, device, set: ways.set })} ${ways.end}`,
  );
}

/** Precisions that hold less, the exact ones first. */
const PRECISIONS = ["float16", "int8", "int4"];

/** Bytes that are worth a word. */
const WORTH = 0.02;

/** Of what there is too little, and how options are changed. */
interface Needs {
  /** The device whose memory will not do. */
  readonly place: string;
  /** The pipeline's. */
  readonly device: string | undefined;
  readonly set: (option: string) => string;
}

/** What would make it smaller, of what this pipeline has. */
async function waysOut(
  pipeline: readonly StageSpec[],
  plan: MemoryPlan,
  needs: Needs,
): Promise<string> {
  const { place, set } = needs;
  const ways: string[] = [];
  for (const [i, { plugin: { name }, options }] of pipeline.entries()) {
    const stage = plan.stages[i]!;
    if (!stage.parts.some((part) => placeOf(part, stage) === place)) continue;
    const { window, chunk, sink, height, width, network } = options as Record<string, unknown>;
    const cache = stage.parts.find((part) => part.name === "key-value cache");
    for (const [precision, saved] of await narrower(pipeline, i, plan, needs)) {
      ways.push(`${set(`${name}.precision=${precision}`)} (saves ${showBytes(saved)})`);
    }
    if (stage.device !== place) continue;
    const fewer = typeof chunk === "number"
      ? Math.max(3 * chunk, chunk + (typeof sink === "number" ? sink : 0))
      : Infinity;
    if (cache && typeof window === "number" && window > fewer) {
      const saved = cache.bytes * (1 - fewer / window);
      ways.push(`a shorter memory (${set(`${name}.window=${fewer}`)} saves ${showBytes(saved)})`);
    }
    // The stage that makes latent frames, with a cache or without.
    if (cache || "latentFrames" in (options as object)) {
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

/** Precisions of a stage that would need less of a device's memory, and how much less. */
async function narrower(
  pipeline: readonly StageSpec[],
  i: number,
  plan: MemoryPlan,
  { place, device }: Needs,
): Promise<[string, number][]> {
  const spec = pipeline[i]!;
  const options = spec.options as { readonly precision?: unknown };
  if (options.precision === undefined) return [];
  const now = plan.peaks[place]!;
  const found: [string, number][] = [];
  for (const precision of PRECISIONS) {
    // The processor computes float16 in float32, and holds copies in that.
    if (precision === "float16" && plan.stages[i]!.device === "cpu") continue;
    const { data, success } = spec.plugin.options.safeParse({ ...options, precision });
    if (!success) continue;
    const narrow = await memoryPlan(pipeline.with(i, { ...spec, options: data }), device);
    const saved = now - narrow.peaks[place]!;
    if (saved > WORTH * now) found.push([precision, saved]);
  }
  return found;
}
