/** What may not come through the API, whoever asks: it would reach past the studio. */
import type { StageProblem } from "../pipeline/config.ts";
import type { AnyPlugin } from "../pipeline/plugin.ts";
import { MODULE_ADDRESS } from "../pipeline/registry.ts";

/** Options that name files to write, or send secrets away: only a file on this machine sets them. */
const FILES_ONLY = ["path", "profile", "cache-directory", "api-key-env"];

/** Options that name what to read or whom to ask: a saved pipeline may, a single run may not. */
const PIPELINES_ONLY = ["weights", "lora", "tokenizer", "endpoint"];

/** The most a number may be; more would take the machine down rather than fail. */
const LARGEST: Readonly<Record<string, number>> = {
  "height": 2048,
  "width": 2048,
  "window": 256,
  "sink": 256,
  "chunk": 64,
  "latent-frames": 100_000,
  "threads": 64,
};

/** Where options come from. */
export type Origin = "run" | "pipeline";

/** Why an option may not be set from outside, if so. `path` is in kebab-case. */
export function refuseOption(
  path: readonly string[],
  value: unknown,
  origin: Origin,
): string | undefined {
  const [name = ""] = path;
  if (FILES_ONLY.includes(name)) {
    return "This cannot be set from here: write it into the pipeline's file yourself.";
  }
  if (origin === "run" && PIPELINES_ONLY.includes(name)) {
    return "This cannot be set for one run: save a pipeline that has it.";
  }
  if (name === "sizes" && origin === "run") {
    return "A network's sizes cannot be set for one run: save a pipeline that has them.";
  }
  const most = LARGEST[name];
  if (most !== undefined && typeof value === "number" && value > most) {
    return `Expected at most ${most}, got ${value}.`;
  }
}

/** What of a stage, as a text from outside has it, may not stand there. */
export function refuseStage(
  stage: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  plugins: readonly AnyPlugin[],
): StageProblem[] {
  const problems: StageProblem[] = [];
  const module = refuseModule(stage.use, known, plugins);
  if (module !== undefined) problems.push({ path: ["use"], reason: module });
  for (const [name, value] of Object.entries((stage.with ?? {}) as object)) {
    const reason = refuseOption([name], value, "pipeline");
    if (reason !== undefined) problems.push({ path: ["with", name], reason });
  }
  return problems;
}

/** Why a stage's plugin may not be named from outside, if so: importing a module runs its code. */
export function refuseModule(
  use: unknown,
  known: ReadonlySet<string>,
  plugins: readonly AnyPlugin[],
): string | undefined {
  if (typeof use !== "string" || plugins.some(({ name }) => name === use)) return undefined;
  if (!MODULE_ADDRESS.test(use) || known.has(use)) return undefined;
  return "A module of your own cannot be named from here, since importing it runs its code: " +
    "write it into a pipeline's file yourself.";
}
