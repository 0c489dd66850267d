import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  insertStage,
  moveStage,
  readDraft,
  removeStage,
  rename,
  setOption,
  swapPlugin,
} from "../../routes/(_studio)/pipeline_text.ts";

const text = `# Mine.
name: mine
stages:
  - use: encode-text
  - use: diffuse
    with:
      chunk: 3 # at once
      steps: [1000, 500]
`;

Deno.test("readDraft() reads names and options, and of other texts nothing", () => {
  assertEquals(readDraft(text), {
    name: "mine",
    stages: [
      { use: "encode-text", options: {} },
      { use: "diffuse", options: { chunk: 3, steps: [1000, 500] } },
    ],
  });
  for (const other of ["", "stages: [", "name: x", "- a", "stages: 3"]) {
    assertEquals(readDraft(other), undefined, other);
  }
  assertEquals(readDraft("stages: [3, { use: 4 }]")?.stages, [
    { use: "", options: {} },
    { use: "", options: {} },
  ]);
});

Deno.test("setOption() changes one value and keeps the comments", () => {
  assertEquals(setOption(text, 1, "chunk", 4), text.replace("chunk: 3", "chunk: 4"));
  assertStringIncludes(setOption(text, 1, "steps", [1000, 750]), "steps: [1000, 750]");
});

Deno.test("setOption() writes maps and lists in one line as they were", () => {
  const flow = "stages:\n  - use: decode\n    with: { batch: 1, list: [1, 2] }\n";
  assertEquals(setOption(flow, 0, "batch", 2), flow.replace("batch: 1", "batch: 2"));
});

Deno.test("setOption() makes room where a stage has no options, and takes it away again", () => {
  const more = setOption(text, 0, "network", "embedded");
  assertEquals(readDraft(more)?.stages[0], {
    use: "encode-text",
    options: { network: "embedded" },
  });
  assertEquals(setOption(more, 0, "network", undefined).includes("with:\n      network"), false);
  assertEquals(readDraft(setOption(more, 0, "network", undefined)), readDraft(text));
});

Deno.test("setOption() leaves a text alone that cannot be read", () => {
  assertEquals(setOption("stages: [", 0, "chunk", 1), "stages: [");
});

Deno.test("swapPlugin() keeps the options that the new plugin knows", () => {
  const swapped = swapPlugin(text, 1, "other", (key) => key === "chunk");
  assertEquals(readDraft(swapped)?.stages[1], { use: "other", options: { chunk: 3 } });
  const bare = swapPlugin(text, 1, "other", () => false);
  assertEquals(readDraft(bare)?.stages[1], { use: "other", options: {} });
});

Deno.test("insertStage(), moveStage() and removeStage() keep the others", () => {
  const uses = (text: string) => readDraft(text)?.stages.map(({ use }) => use);
  const longer = insertStage(text, 1, "extend-prompt");
  assertEquals(uses(longer), ["encode-text", "extend-prompt", "diffuse"]);
  assertEquals(uses(moveStage(longer, 2, 0)), ["diffuse", "encode-text", "extend-prompt"]);
  assertEquals(uses(removeStage(longer, 0)), ["extend-prompt", "diffuse"]);
  assertStringIncludes(longer, "# at once");
});

Deno.test("rename() writes the name", () => {
  assertEquals(readDraft(rename(text, "yours"))?.name, "yours");
});
