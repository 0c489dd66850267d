/** A pipeline's text as stages, and changes of stages as changes of its text: comments stay. */
import { type Document, isMap, isSeq, parseDocument, visit, type YAMLMap, YAMLSeq } from "yaml";

/** A stage as the text has it. */
export interface DraftStage {
  readonly use: string;
  /** Options that are written there, in kebab-case. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a text says, as far as it can be read. */
export interface Draft {
  readonly name: string;
  readonly stages: readonly DraftStage[];
}

/** Reads a text; nothing where it is no YAML or has no stages. */
export function readDraft(text: string): Draft | undefined {
  const document = parse(text);
  const stages = document?.get("stages");
  if (document === undefined || !isSeq(stages)) return undefined;
  const name = document.get("name");
  return {
    name: typeof name === "string" ? name : "",
    stages: stages.items.map((item) => {
      if (!isMap(item)) return { use: "", options: {} };
      const use = item.get("use");
      const options: unknown = isMap(item.get("with"))
        ? (item.get("with") as YAMLMap).toJSON()
        : {};
      return {
        use: typeof use === "string" ? use : "",
        options: options as Record<string, unknown>,
      };
    }),
  };
}

/** Writes an option of a stage, or takes it out where there is no value. */
export function setOption(text: string, stage: number, key: string, value: unknown): string {
  return change(text, (document) => {
    const path = ["stages", stage, "with"];
    if (value !== undefined) {
      if (!isMap(document.getIn(path))) document.setIn(path, document.createNode({}));
      const node = Array.isArray(value) ? document.createNode(value, { flow: true }) : value;
      document.setIn([...path, key], node);
      return;
    }
    document.deleteIn([...path, key]);
    const options = document.getIn(path);
    if (isMap(options) && options.items.length === 0) document.deleteIn(path);
  });
}

/** Puts another plugin in a stage's place; options that the new one does not have go. */
export function swapPlugin(
  text: string,
  stage: number,
  use: string,
  knows: (key: string) => boolean,
): string {
  return change(text, (document) => {
    document.setIn(["stages", stage, "use"], use);
    const path = ["stages", stage, "with"];
    const options = document.getIn(path);
    if (!isMap(options)) return;
    for (const { key } of [...options.items]) {
      const name = String((key as { value?: unknown }).value ?? key);
      if (!knows(name)) document.deleteIn([...path, name]);
    }
    if (options.items.length === 0) document.deleteIn(path);
  });
}

/** Puts a new stage before the one at a place. */
export function insertStage(text: string, at: number, use: string): string {
  return changeStages(text, (stages, document) => {
    stages.items.splice(at, 0, document.createNode({ use }));
  });
}

/** Takes a stage out. */
export function removeStage(text: string, at: number): string {
  return changeStages(text, (stages) => {
    stages.items.splice(at, 1);
  });
}

/** Moves a stage to another place. */
export function moveStage(text: string, from: number, to: number): string {
  return changeStages(text, (stages) => {
    const [stage] = stages.items.splice(from, 1);
    if (stage !== undefined) stages.items.splice(to, 0, stage);
  });
}

/** Writes the pipeline's name. */
export function rename(text: string, name: string): string {
  return change(text, (document) => document.set("name", name));
}

function changeStages(
  text: string,
  edit: (stages: YAMLSeq<unknown>, document: Document) => void,
): string {
  return change(text, (document) => {
    const stages = document.get("stages");
    if (isSeq(stages)) edit(stages, document);
  });
}

/** The text after a change; as it was where it cannot be read. */
function change(text: string, edit: (document: Document) => void): string {
  const document = parse(text);
  if (document === undefined) return text;
  edit(document);
  visit(document, {
    Seq(_, list) {
      if (list.flow) list.toString = withoutPadding;
    },
  });
  return document.toString({ lineWidth: 100 });
}

/** Lists in one line are `[1, 2]`, while maps are `{ a: 1 }`. */
function withoutPadding(this: YAMLSeq, ...[ctx, ...rest]: Parameters<YAMLSeq["toString"]>): string {
  const inner = ctx === undefined ? ctx : { ...ctx, flowCollectionPadding: "" };
  return YAMLSeq.prototype.toString.call(this, inner, ...rest);
}

function parse(text: string): Document | undefined {
  const document = parseDocument(text, { logLevel: "silent" });
  return document.errors.length === 0 && isMap(document.contents)
    ? document as unknown as Document
    : undefined;
}
