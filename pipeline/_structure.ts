/** The form of a config, apart from what plugins know. */
import { type ConfigDocument, describe } from "./_document.ts";
import { isRecord } from "./_options.ts";
import { nearestName, suggestName } from "./names.ts";

/** Keys of a config. */
const KEYS = ["name", "description", "device", "timeline", "stages", "$schema"];
/** Keys of a stage. */
export const STAGE_KEYS = ["use", "with"];

/** The stages as they are written, whatever they are; none where there is no list of them. */
export function stagesOf(document: ConfigDocument): readonly unknown[] {
  const { stages } = document.value;
  return Array.isArray(stages) ? stages : [];
}

/** Notes what is wrong with all but what plugins know: keys and their types. */
export function checkStructure(document: ConfigDocument): void {
  const { value } = document;
  checkKeys(document, [], value, KEYS);
  checkHead(document);
  const { stages } = value;
  if (stages === undefined) {
    reportMissing(document, [], "stages", value, "a list", KEYS);
  } else if (!Array.isArray(stages)) {
    document.report(["stages"], `expected a list of stages, got ${describe(stages)}.`);
  } else if (stages.length === 0) {
    document.report(["stages"], "expected at least one stage, got none.");
  }
  for (const [i, stage] of stagesOf(document).entries()) checkStage(document, ["stages", i], stage);
}

/** Notes what is wrong with what stands beside the stages. */
export function checkHead(document: ConfigDocument): void {
  const { value } = document;
  checkText(document, [], "name", value, KEYS);
  for (const key of ["description", "device", "$schema"]) {
    if (value[key] !== undefined) checkText(document, [], key, value, KEYS);
  }
}

function checkStage(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  stage: unknown,
): void {
  if (!isRecord(stage)) {
    const hint = typeof stage === "string" ? ` Write "use: ${stage}".` : "";
    document.report(path, `expected a mapping with use, got ${describe(stage)}.${hint}`);
    return;
  }
  checkKeys(document, path, stage, STAGE_KEYS);
  checkText(document, path, "use", stage, STAGE_KEYS);
  const options = stage.with ?? {};
  if (isRecord(options)) return;
  document.report([...path, "with"], `expected a mapping of options, got ${describe(options)}.`);
}

/** Notes keys that are none. */
export function checkKeys(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  value: Record<string, unknown>,
  known: readonly string[],
): void {
  const shown = known.filter((each) => !each.startsWith("$"));
  for (const key of Object.keys(value).filter((each) => !known.includes(each))) {
    document.report([...path, key], `there is no such key.${suggestName(key, shown)}`, "key");
  }
}

/** Notes a key whose value is no text, or that is missing. */
export function checkText(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  key: string,
  parent: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  const value = parent[key];
  if (typeof value === "string" && value !== "") return;
  if (value === undefined) {
    reportMissing(document, path, key, parent, "a string", known);
    return;
  }
  const got = value === "" ? "an empty one" : describe(value);
  document.report([...path, key], `expected a string, got ${got}.`);
}

/** Tells of a key that is missing, unless it stands there misspelt, which is told already. */
function reportMissing(
  document: ConfigDocument,
  path: readonly PropertyKey[],
  key: string,
  parent: Readonly<Record<string, unknown>>,
  expected: string,
  known: readonly string[],
): void {
  if (isMisspelt(key, parent, known)) return;
  document.report(path, `the key "${key}" is missing: expected ${expected}.`);
}

/** Whether `key` stands in `parent` under a name that is none, and is nearest to it of those known. */
export function isMisspelt(
  key: string,
  parent: Readonly<Record<string, unknown>>,
  known: readonly string[],
): boolean {
  const shown = known.filter((each) => !each.startsWith("$"));
  return Object.keys(parent).some((each) =>
    !known.includes(each) && nearestName(each, shown) === key
  );
}
