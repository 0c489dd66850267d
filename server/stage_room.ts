/** Which loaded stages are in the way of a run that needs memory. */

import { PROGRAM_BYTES } from "../pipeline/check_memory.ts";
import { planMemory } from "../pipeline/plan_memory.ts";
import type { AnyPlugin, StageSpec } from "../pipeline/plugin.ts";

/** Bytes by device. */
export type Bytes = Readonly<Record<string, number>>;

/** What a stage holds. */
export interface Holding {
  readonly plugin: AnyPlugin;
  /** From when it is loaded to when it is freed. */
  readonly lasting: Bytes;
  /** At most, with what is held in passing. */
  readonly most: Bytes;
}

/** Tells the memory of some devices; those that are left out are not known. */
export type MemoryOf = (devices: readonly string[]) => Promise<Bytes>;

/** Bytes beyond which one stage of a plugin is enough where nobody knows how much memory there is. */
const LARGE = 1e9;

/**
 * What the stages of a pipeline will hold, in their order. Nothing where no stage reads a published model, as the
 * memory check has it: the embedded ones fit anywhere, and switching to them is not to wait for a plan.
 */
export async function holdingsOf(
  specs: readonly StageSpec[],
  context: { readonly device: string; readonly directory: string },
): Promise<Holding[]> {
  const published = specs.some(({ options }) =>
    (options as { readonly weights?: unknown }).weights !== undefined
  );
  if (!published) return specs.map(({ plugin }) => ({ plugin, lasting: {}, most: {} }));
  const { device, directory } = context;
  const planned = await planMemory(specs, { device, directory });
  return planned.map(({ device, parts }, i) => {
    const [lasting, most]: [Record<string, number>, Record<string, number>] = [{}, {}];
    for (const part of parts) {
      const place = part.device ?? device;
      most[place] = (most[place] ?? 0) + part.bytes;
      if (!part.passing) lasting[place] = (lasting[place] ?? 0) + part.bytes;
    }
    return { plugin: specs[i]!.plugin, lasting, most };
  });
}

/**
 * Those of the stages that a run does not need which must go before its own are loaded: as many of the longest unused as
 * bring what all hold together below a device's memory. Where that is not known, large ones of plugins that the run
 * loads another stage of.
 *
 * @param run what the run's stages hold
 * @param loads plugins of those of them that are not loaded yet
 * @param others loaded stages that the run does not need, longest unused first
 */
export async function inTheWay<Other extends Holding>(
  run: readonly Holding[],
  loads: ReadonlySet<AnyPlugin>,
  others: readonly Other[],
  memoryOf: MemoryOf,
): Promise<Other[]> {
  const devices = new Set(others.flatMap(({ lasting }) => Object.keys(lasting)));
  const small = run.every(({ most }) => Object.keys(most).length === 0);
  if (devices.size === 0 || loads.size === 0 || small) return [];
  const memory = await memoryOf([...devices]);
  const leaving = new Set<Other>();
  for (const device of devices) {
    const there = others.filter(({ lasting }) => (lasting[device] ?? 0) > 0);
    const known = memory[device];
    if (known === undefined) {
      for (const other of there) {
        if (loads.has(other.plugin) && other.lasting[device]! > LARGE) leaving.add(other);
      }
      continue;
    }
    let needed = device === "cpu" ? PROGRAM_BYTES : 0;
    for (const { most } of run) needed += most[device] ?? 0;
    for (const other of there) if (!leaving.has(other)) needed += other.lasting[device]!;
    for (const other of there) {
      if (needed <= known) break;
      if (leaving.has(other)) continue;
      leaving.add(other);
      needed -= other.lasting[device]!;
    }
  }
  return [...leaving];
}
