/** How what the checks gave is printed. */

import { fixed, table } from "./_bench.ts";
import type { GroupSummary, Row } from "./_device_check.ts";
import type { DeviceFacts } from "./_device_facts.ts";

/** Says what is checked. */
export function printFacts(facts: DeviceFacts): void {
  const { device, card, driver, onnxRuntime, library, deno, date, float16, attention } = facts;
  console.log(`${device}: ${card}${driver === undefined ? "" : ` (driver: ${driver})`}`);
  console.log(
    `${date.slice(0, 16).replace("T", " ")} UTC; Deno ${deno}; ONNX Runtime ${onnxRuntime}`,
  );
  console.log(`${library}`);
  console.log(
    `float16Works: ${float16 ? "yes" : "no"}; fusedAttentionWorks: ` +
      `${attention === "fused" ? "yes" : "no, composed attention is used"}`,
  );
}

/** Columns of the longest name. */
const NAME = 62;

/** Titles of the lines that come as the checks do. */
export function printTitles(): void {
  console.log(`\n${line("what", "error", "allowed", "", "first ms", "steady ms", "")}`);
}

/** A check's line. */
export function printRow(row: Row): void {
  const { name, dtype, error, allowed, verdict, firstMs, steadyMs, psnr, leastPsnr } = row;
  const said = [
    psnr === undefined ? "" : `PSNR ${fixed(psnr, 1)} dB of ${leastPsnr}`,
    row.note ?? "",
    row.problem ?? "",
  ].filter((text) => text !== "").join("; ");
  console.log(line(
    dtype === undefined ? name : `${name}, ${dtype}`,
    error === undefined ? "" : error.toExponential(1),
    allowed === undefined ? "" : allowed.toExponential(0),
    verdict,
    firstMs === undefined ? "" : fixed(firstMs, 1),
    steadyMs === undefined ? "" : fixed(steadyMs, 1),
    said,
  ));
}

function line(name: string, ...cells: readonly string[]): string {
  const [error, allowed, verdict, first, steady, said] = cells as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return `${name.padEnd(NAME)} ${error.padStart(8)} ${allowed.padStart(7)} ${verdict.padEnd(6)} ` +
    `${first.padStart(8)} ${steady.padStart(9)}  ${said.replaceAll(/\s+/g, " ").slice(0, 300)}`
      .trimEnd();
}

/** One line a group, last of all. */
export function printSummary(
  groups: readonly GroupSummary[],
  memory: Readonly<Record<string, number>>,
): void {
  table(["group", "right", "worst error", "of what is allowed", "ms", "card MB after", ""], [
    ...groups.map(({ group, right, count, worst, share, ms, verdict }) => [
      group,
      `${right} of ${count}`,
      count === 0 ? "" : worst.toExponential(1),
      count === 0 ? "" : share < 10 ? `${(100 * share).toFixed(1)}%` : "more",
      fixed(ms, 1),
      memory[group] === undefined ? "" : `${memory[group]}`,
      verdict,
    ]),
  ]);
  const { before, closed } = memory;
  if (before === undefined || closed === undefined) return;
  console.log(
    `\nThe card's memory: ${before} MB before, ${closed} MB after the device was closed.`,
  );
}
