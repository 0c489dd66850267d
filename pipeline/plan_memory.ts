import type { MemoryContext, MemoryPart, StageMemory } from "./memory.ts";
import type { StageSpec } from "./plugin.ts";

/** What one stage of a pipeline will hold. */
export interface PlannedStage {
  /** Its plugin's name. */
  readonly stage: string;
  /** Where it computes. */
  readonly device: string;
  /** Empty where its plugin does not tell. */
  readonly parts: readonly MemoryPart[];
}

/** What every stage of a pipeline will hold. All of them are open at the same time. */
export async function planMemory(
  stages: readonly StageSpec[],
  context: Omit<MemoryContext, "takes">,
): Promise<PlannedStage[]> {
  const plan: PlannedStage[] = [];
  let takes: readonly number[] | undefined;
  for (const { plugin, options } of stages) {
    const told: StageMemory | undefined = await plugin.memory?.(options, {
      ...context,
      ...(takes && { takes }),
    });
    takes = told?.gives;
    plan.push({
      stage: plugin.name,
      device: told?.device ?? context.device,
      parts: told?.parts ?? [],
    });
  }
  return plan;
}
