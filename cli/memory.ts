/** The memory plan of a pipeline: shown by `doctor`, and looked at before `generate` loads anything. */
import {
  checkMemory as check,
  memoryOfMachine,
  type MemoryPlan,
  memoryPlan as plan,
  PROGRAM_BYTES,
} from "../pipeline/check_memory.ts";
import type { Config } from "../pipeline/config.ts";
import { size } from "./progress.ts";
import { table } from "./table.ts";

export type { MemoryPlan };

/** What a pipeline will hold where. */
export function memoryPlan(config: Config, device?: string): Promise<MemoryPlan> {
  return plan(config.stages.map(({ spec }) => spec), device ?? config.device);
}

/** Bytes of the memory of cards, where stages compute on any, by the names of their devices. */
export async function cardsOf({ peaks }: MemoryPlan): Promise<Readonly<Record<string, number>>> {
  if (Object.keys(peaks).every((device) => device === "cpu")) return {};
  return await (await import("../mod.ts")).memoryOfCards();
}

/** The plan for people. @param cards bytes of the memory of cards, where it is known */
export function memoryLines(
  { stages, peaks, lasting }: MemoryPlan,
  cards: Readonly<Record<string, number>> = {},
): string[] {
  const rows = stages.flatMap(({ stage, device, parts }) =>
    parts.map(({ name, bytes, detail, estimated, passing, device: at = device }) => [
      `${stage}, ${at}`,
      name,
      `${estimated ? "about " : ""}${size(bytes)}`,
      [detail, passing && "freed after use"].filter(Boolean).join("; "),
    ])
  );
  const memory = memoryOfMachine();
  return [
    ...table([...rows, ["the program, cpu", "", `about ${size(PROGRAM_BYTES)}`, ""]]),
    ...Object.entries(peaks).map(([device, bytes]) => {
      const later = lasting[device]!;
      const freed = later < bytes ? ` at the most, ${size(later)} while the video is made` : "";
      const there = device === "cpu" && memory !== undefined
        ? `; there are ${size(memory.total)}, ${size(memory.available)} free`
        : device in cards
        ? `; there are ${size(cards[device]!)}`
        : "";
      return `peak on ${device}: about ${size(bytes)}${freed}${there}`;
    }),
  ];
}

/**
 * Refuses a pipeline that cannot fit into the machine's memory, or a card's.
 *
 * @param total bytes of memory; asked of the machine where left out
 * @param cards bytes of cards' memory by device; asked of their driver where left out
 * @throws {UserError} which names the largest parts and what to change.
 */
export async function checkMemory(
  config: Config,
  device: string | undefined,
  total?: number,
  cards: () => Promise<Readonly<Record<string, number>>> = async () =>
    await (await import("../mod.ts")).memoryOfCards(),
): Promise<void> {
  await check(config.name, config.stages.map(({ spec }) => spec), {
    device: device ?? config.device,
    total,
    cards,
    ways: {
      set: (setting) => `--set ${setting}`,
      end: `All of it: sluice doctor --config ${config.file}. To try all the same: --overcommit.`,
    },
  });
}
