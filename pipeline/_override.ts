import { parseDocument } from "yaml";
import { type ConfigDocument, overrideError } from "./_document.ts";
import { isRecord } from "./_options.ts";
import { stagesOf } from "./_structure.ts";
import { nearestName, suggestName, toKebab } from "./names.ts";
import type { AnyPlugin } from "./plugin.ts";
import { MODULE_ADDRESS } from "./registry.ts";

/** Keys beside `stages` that may be overridden. */
const PLAIN_KEYS = ["name", "description", "device", "timeline"];

/**
 * Puts one `stage.option=value` into a config; `plugins` are those of its stages in order, undefined
 * where a stage's plugin could not be found.
 */
export function applyOverride(
  document: ConfigDocument,
  text: string,
  plugins: readonly (AnyPlugin | undefined)[],
): void {
  const names = plugins.map((plugin) => plugin?.name);
  const split = text.indexOf("=");
  if (split < 1) {
    throw overrideError(text, "expected stage.option=value, such as diffuse.latent-frames=9.");
  }
  const [target = "", ...keys] = text.slice(0, split).trim().split(".");
  if (keys.some((key) => key === "")) throw overrideError(text, "an option's name is missing.");
  const value = parseValue(text, text.slice(split + 1));
  if (keys.length === 0) {
    if (!PLAIN_KEYS.includes(target)) {
      throw overrideError(
        text,
        names.includes(target)
          ? `which option of "${target}"? Expected ${target}.option=value.`
          : `there is no such key.${optionOf(target, plugins) ?? suggestName(target, PLAIN_KEYS)}`,
      );
    }
    document.override([target], value, text);
    return;
  }
  const stage = findStage(document, text, target, names);
  if (stage === undefined) return;
  document.override(["stages", stage, "with", ...keys], value, text);
}

/** Who leaves out the stage means its option: which one that may be. */
function optionOf(key: string, plugins: readonly (AnyPlugin | undefined)[]): string | undefined {
  const meant = plugins.flatMap((plugin) =>
    plugin && Object.keys(plugin.options.shape).some((each) => toKebab(each) === key)
      ? [`${plugin.name}.${key}`]
      : []
  );
  return meant.length === 0 ? undefined : ` Did you mean ${[...new Set(meant)].join(" or ")}?`;
}

function findStage(
  document: ConfigDocument,
  text: string,
  target: string,
  names: readonly (string | undefined)[],
): number | undefined {
  if (/^\d+$/.test(target) && Number(target) < names.length) return Number(target);
  const found = names.flatMap((name, i) => name === target ? [i] : []);
  if (found.length > 1) {
    throw overrideError(
      text,
      `"${target}" is the name of ${found.length} stages: ` +
        `write ${found.map((i) => `${i}.…`).join(" or ")} to choose one by its place.`,
    );
  }
  if (found[0] === undefined) {
    const known = names.filter((name) => name !== undefined);
    const unknown = stagesOf(document).filter((_, i) => names[i] === undefined);
    // That there are no stages, or that there is no such plugin, is told already.
    if (names.length === 0 || unknown.some((stage) => mayBe(stage, target))) return undefined;
    throw overrideError(text, `there is no stage "${target}".${suggestName(target, known)}`);
  }
  return found[0];
}

/** Whether a stage whose plugin could not be found may be the one that is called `name`. */
function mayBe(stage: unknown, name: string): boolean {
  const use = isRecord(stage) ? stage.use : undefined;
  return typeof use !== "string" || MODULE_ADDRESS.test(use) ||
    nearestName(name, [use]) !== undefined;
}

/** A value as YAML writes it: `9`, `true`, `[1000, 500]`, `plain words`. */
function parseValue(text: string, value: string): unknown {
  const document = parseDocument(value, { prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    throw overrideError(text, `the value is no valid YAML: quote it. ${problem.message}`);
  }
  return document.toJS();
}
