/// <reference lib="deno.unstable" />
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import plugin from "../../tools/layers.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Messages of one rule for a source that would stand at `path`. */
function lint(rule: string, path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, ROOT + path, source)
    .filter(({ id }) => id === `sluice/${rule}`).map(({ message }) => message);
}

Deno.test("layers sees every way to import", () => {
  const ways = [
    `import { a } from "../engine/tensor/mod.ts";`,
    `import type { A } from "../engine/tensor/mod.ts";`,
    `import "../engine/tensor/mod.ts";`,
    `export { a } from "../engine/tensor/mod.ts";`,
    `export type { A } from "../engine/tensor/mod.ts";`,
    `export * from "../engine/tensor/mod.ts";`,
    `const a = await import("../engine/tensor/mod.ts");`,
    `type A = import("../engine/tensor/mod.ts").A;`,
    `let a: typeof import("../engine/tensor/mod.ts");`,
  ];
  for (const way of ways) {
    assertEquals(lint("layers", "pipeline/x.ts", way), [
      "pipeline may not import from engine/tensor: it may import no room",
    ], way);
  }
});

Deno.test("layers refuses what the table does not allow", () => {
  const bad: [path: string, address: string, message: string][] = [
    ["pipeline/x.ts", "node-av", "pipeline may not import the package node-av"],
    ["pipeline/x.ts", "npm:zod", `import "npm:zod" by the name that deno.json gives it`],
    [
      "engine/onnx/ops/x.ts",
      "../../weights/mod.ts",
      "engine/onnx may not import from engine/weights",
    ],
    ["engine/onnx/x.ts", "node:fs", "engine/onnx may not import the package node:fs"],
    ["engine/networks/x.ts", "../runtime/mod.ts", "it may import engine/tensor, engine/onnx"],
    ["engine/diffusion/x.ts", "../onnx/mod.ts", "engine/diffusion may not import from engine/onnx"],
    ["engine/load/x.ts", "../networks/mod.ts", "engine/load may not import from engine/networks"],
    ["engine/tensor/x.ts", "../../pipeline/mod.ts", "engine/tensor may not import from pipeline"],
    ["plugins/decode/mod.ts", "../diffuse/stage.ts", "plugins may not import each other"],
    ["plugins/decode/mod.ts", "../../cli/main.ts", "plugins may not import from cli"],
    ["plugins/decode/mod.ts", "sluice", "plugins may not import from mod.ts"],
    ["plugins/decode/mod.ts", "../../tests/x.ts", "plugins may not import from tests"],
    ["mod.ts", "./cli/main.ts", "mod.ts may not import from cli"],
    ["cli/main.ts", "../engine/runtime/mod.ts", "cli may not import from engine/runtime"],
    ["cli/main.ts", "../plugins/decode/mod.ts", "cli may not import from plugins"],
    ["routes/(_islands)/x.tsx", "../../server/x.ts", "islands may not import from server"],
  ];
  for (const [path, address, message] of bad) {
    const found = lint("layers", path, `import "${address}";`);
    assertEquals(found.length, 1, `${path} ${address}`);
    assertStringIncludes(found[0] ?? "", message);
  }
});

Deno.test("layers allows what the table allows", () => {
  const good: [path: string, address: string][] = [
    ["pipeline/x.ts", "@std/path"],
    ["pipeline/x.ts", "zod"],
    ["pipeline/x.ts", "./y.ts"],
    ["engine/onnx/ops/x.ts", "../graph.ts"],
    ["engine/onnx/x.ts", "@bufbuild/protobuf/wire"],
    ["engine/runtime/x.ts", "node:path"],
    ["engine/runtime/x.ts", "../tensor/mod.ts"],
    ["engine/load/x.ts", "../runtime/mod.ts"],
    ["engine/training/x.ts", "../networks/mod.ts"],
    ["plugins/decode/mod.ts", "./stage.ts"],
    ["plugins/decode/mod.ts", "../_network.ts"],
    ["plugins/decode/mod.ts", "../../pipeline/mod.ts"],
    ["plugins/decode/stage.ts", "../../engine/networks/taehv.ts"],
    ["plugins/encode_video/stage.ts", "node-av/lib"],
    ["mod.ts", "./plugins/decode/mod.ts"],
    ["cli/main.ts", "sluice"],
    ["cli/main.ts", "../pipeline/mod.ts"],
    ["tests/x_test.ts", "../engine/onnx/mod.ts"],
  ];
  for (const [path, address] of good) {
    assertEquals(lint("layers", path, `import "${address}";`), [], `${path} ${address}`);
  }
});

Deno.test("no-circles finds the way back through other files", async () => {
  const folder = await Deno.makeTempDir({ dir: `${ROOT}tests/tools`, prefix: "circle_" });
  const name = folder.slice(ROOT.length);
  try {
    await Deno.writeTextFile(`${folder}/b.ts`, `export type { C } from "./c.ts";\n`);
    await Deno.writeTextFile(`${folder}/c.ts`, `// import "./b.ts"\nlet a: import("./a.ts").A;\n`);
    assertEquals(lint("no-circles", `${name}/a.ts`, `import { b } from "./b.ts";`), [
      `files import each other: ${name}/a.ts → ${name}/b.ts → ${name}/c.ts → ${name}/a.ts`,
    ]);
    assertEquals(lint("no-circles", `${name}/d.ts`, `import { b } from "./b.ts";`), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("only-cli-prints refuses console elsewhere", () => {
  const source = `console.log("hello");`;
  const message = "only cli/ prints: report an event, or call warn";
  for (const path of ["pipeline/x.ts", "engine/onnx/x.ts", "plugins/decode/mod.ts", "mod.ts"]) {
    assertEquals(lint("only-cli-prints", path, source), [message], path);
  }
  for (const path of ["cli/x.ts", "bench/x.ts", "tools/x.ts", "tests/x.ts"]) {
    assertEquals(lint("only-cli-prints", path, source), [], path);
  }
});
