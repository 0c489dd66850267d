/** What keeps a planned run from being made on this machine, told before anything is loaded. */
import { checkMemory, memoryOfMachine } from "../pipeline/check_memory.ts";
import { UserError } from "../pipeline/errors.ts";
import { isEncoder } from "../pipeline/opening.ts";
import type { Plan } from "./plan.ts";
import { ProblemError, type ProblemKind } from "./problem.ts";

/** What the machine has for runs. */
export interface Machine {
  /** Where stages compute that name no device; absent: as the pipeline says. */
  readonly device: string | undefined;
  /** Folder that relative paths in options start from. */
  readonly directory: string;
  /** Bytes of memory; absent: as many as the machine has. */
  readonly memory: number | undefined;
  /** Whether runs begin even if memory will not do. */
  readonly overcommit: boolean;
}

/**
 * Looks whether a run's files of published models are here, and whether it fits into memory.
 *
 * @throws {ProblemError} 409 which says what to do.
 */
export async function checkPlan(plan: Plan, machine: Machine): Promise<void> {
  const { pipeline, opening } = plan;
  // What encodes an opening loads nothing where there is none.
  const stages = opening === undefined
    ? plan.stages.filter((spec) => !isEncoder(spec))
    : plan.stages;
  // Only here: it brings the built-in plugins, which a studio of others' plugins has no need of.
  const { checkPublished, memoryOfCards } = await import("../mod.ts");
  await refuse("models-missing", () => checkPublished(pipeline, stages, machine.directory));
  if (machine.overcommit) return;
  await refuse("too-little-memory", () =>
    checkMemory(pipeline, stages, {
      device: machine.device ?? plan.device,
      total: machine.memory,
      cards: memoryOfCards,
      ways: {
        set: (setting) => setting,
        end: `All of it: sluice doctor --config ${pipeline}. To try all the same, start the ` +
          "studio anew with --overcommit.",
      },
    }));
}

/**
 * Bytes of memory of some devices, as far as anybody tells: the processor's and that of NVIDIA's cards.
 *
 * @param memory of the processor; absent: as many as the machine has
 */
export async function memoryOf(
  devices: readonly string[],
  memory: number | undefined,
): Promise<Readonly<Record<string, number>>> {
  const cpu = memory ?? memoryOfMachine()?.total;
  const cards = devices.some((device) => device.startsWith("cuda"))
    ? await (await import("../mod.ts")).memoryOfCards()
    : {};
  return { ...cards, ...(cpu !== undefined && { cpu }) };
}

async function refuse(kind: ProblemKind, check: () => void | Promise<void>): Promise<void> {
  try {
    await check();
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new ProblemError(kind, cause.message, { cause });
  }
}
