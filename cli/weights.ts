/** What `weights` prints. */
import type { App } from "./app.ts";
import { oneLine, size } from "./progress.ts";
import { table } from "./table.ts";

const formats = {
  safetensors: "safetensors",
  torch: "torch checkpoint",
  index: "index of safetensors",
} as const;

/** Prints what a file of weights holds. */
export async function inspect(app: App, file: string, json: boolean): Promise<void> {
  const { inspectWeights } = await import("../mod.ts");
  const report = await inspectWeights(file);
  if (json) return app.screen.out(JSON.stringify(report, undefined, 2));
  const { key, format, bytes, groups, metadata, dtypes, families } = report;
  const out = (lines: readonly string[]) => lines.forEach((line) => app.screen.out(`  ${line}`));
  const count = (n: number) => n.toLocaleString("en-US");
  const part = key === undefined ? "" : `, #${key} of it`;
  const files = format === "index" ? ` in ${count(report.files)} files` : "";
  app.screen.out(`${report.path}: ${formats[format]}${files}, ${size(bytes)}${part}`);
  app.screen.out(`${count(report.tensors)} tensors, ${count(report.parameters)} parameters`);
  out(table(
    dtypes.map(({ dtype, tensors, parameters, bytes }) => [
      dtype,
      `${count(tensors)} tensor${tensors === 1 ? "" : "s"}`,
      `${count(parameters)} parameters`,
      size(bytes),
    ]),
  ));
  if (groups.length > 0) {
    app.screen.out(`\nchoose with ${groups.map((group) => `#${oneLine(group)}`).join(", ")}`);
  }
  const facts = Object.entries(metadata);
  if (facts.length > 0) {
    app.screen.out("\nmetadata");
    out(table(facts.map(([name, text]) => [oneLine(name), oneLine(text)])));
  }
  if (families.length > 0) {
    app.screen.out("\ntensors");
    out(table(
      families.map(({ name, shape, dtype, count, inPlace }) => [
        oneLine(name),
        `[${shape.join(", ")}]`,
        dtype,
        count > 1 ? `×${count}` : "",
        inPlace ? "" : "elements lie apart",
      ]),
    ));
  }
}
